# secure_link and secure_link_hash side by side in one nginx: thousands of links, right ones and
# ones that went wrong in every way, have to mean the same to both.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Test::More;

use ImageGate::Links;
use ImageGate::Server;

my $seed = $ENV{TEST_NGINX_SEED} || 20;
srand $seed;

my $s = ImageGate::Server->new;
my $shown = '"$secure_link|$secure_link_expires\n$secure_link_hash|$secure_link_hash_expires"';
$s->start(qq~
    merge_slashes off;
    location /e/ {
        secure_link          \$arg_md5,\$arg_expires;
        secure_link_hash     \$arg_md5,\$arg_expires;
        secure_link_md5      "\$secure_link_expires\$uri\$remote_addr secret";
        secure_link_hash_md5 "\$secure_link_hash_expires\$uri\$remote_addr secret";
        return 200 $shown;
    }
    location /s/ {
        secure_link          \$arg_s;
        secure_link_hash     \$arg_s;
        secure_link_md5      "secret\$secure_link_expires\$uri";
        secure_link_hash_md5 "secret\$secure_link_hash_expires\$uri";
        return 200 $shown;
    }
    location / {
        secure_link_secret      "it's a secret";
        secure_link_hash_secret "it's a secret";
        return 200 $shown;
    }
~);

sub pick { return $_[rand @_] }
my @url = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my @any = (@url, split //, '=,+/.~!*%;@');

sub lifetime {
    return pick((LATER) x 8, (PAST) x 4, 1, time + 999, time - 999,
        '', 0, '00', -1, '007', '0' x 30 . LATER, '9' x int(1 + rand 24), '9223372036854775807', '9223372036854775808',
        LATER . pick(@any), pick(@any) . LATER, ' ', '1e9', join('', map { pick(@any) } 1 .. 1 + rand 12));
}

# What may happen to a token, or a hash, on its way.
my @damage = (
    (sub { $_[0] }) x 12,
    sub { my $t = shift; substr($t, -1) = pick(@url); $t },
    sub { my $t = shift; substr($t, rand length $t, 1) = pick(@any); $t },
    sub { my $t = shift; substr($t, rand length $t, 1) = ''; $t },
    sub { my $t = shift; substr($t, rand length $t, 0) = pick(@any); $t },
    sub { $_[0] . pick('=', '==', '===', '=x', '=xy', '==x', '====') },
    sub { $_[0] . join '', map { pick(@any) } 1 .. 1 + rand 4 },
    sub { substr $_[0], 0, rand length $_[0] },
    sub { uc $_[0] }, sub { lc $_[0] }, sub { '' },
    sub { join '', map { pick(@any) } 1 .. rand 40 },
    sub { $_[0] . pick(',', ',,', ',' . LATER) },
);

sub segment { return join '', map { pick('a' .. 'z', 0 .. 9, '.', '-', '%2e', '%41') } 1 .. 1 + rand 8 }
sub decoded { my $t = shift; $t =~ s/%(..)/chr hex $1/ge; return $t }

sub expression_link {
    my $path = '/e/' . join '/', map { 'p' . segment() } 1 .. 1 + rand 3;
    my $e = lifetime();
    my $t = pick(@damage)->(md5_token($e . decoded($path) . '127.0.0.1 secret'));
    $e = pick(@damage)->($e) if rand() < 0.05;
    return $path . pick("?md5=$t&expires=$e", "?md5=$t&expires=$e", "?expires=$e&x=1&md5=$t", "?md5=$t", "?expires=$e", "?MD5=$t&expires=$e&md5=x");
}

sub single_link {
    my $path = '/s/p' . segment();
    my $e = pick('', lifetime());
    my $t = pick(@damage)->(md5_token('secret' . $e . decoded($path)));
    return "$path?s=$t" . ($e eq '' ? pick('', '', ',') : ",$e");
}

sub secret_uri {
    my $link = join '/', map { segment() } 1 .. 1 + rand 3;
    $link .= pick('?', '?a=b', '&c', '/') if rand() < 0.3;
    my $hash = pick(@damage)->(md5_hex($link . "it's a secret"));
    $hash = uc $hash if rand() < 0.2;
    $hash =~ s/[?#%]//g;
    return pick('/p/', '/p/', '/p/', '//', '/', '/p/q/') . pick("$hash/$link", "$hash/$link", "$hash/$link", "$hash/", $hash, "$hash/x$link", "$hash//$link");
}

my $c = $s->client;
my (%count, @differ);
for my $case (1 .. 3000) {
    my $uri = pick(\&expression_link, \&single_link, \&secret_uri)->();
    $uri =~ s/ /%20/g;
    my $r = $c->get($uri);
    if ($r->{status} != 200) {
        $count{refused}++;
        next;
    }
    my ($theirs, $ours) = split /\n/, $r->{body}, -1;
    push @differ, "$uri\n  secure_link      $theirs\n  secure_link_hash $ours" if $theirs ne $ours;
    $count{ $theirs =~ /^1/ ? 'right' : $theirs =~ /^0/ ? 'expired' : $theirs =~ /^\|./ ? 'wrong, with expiry' : $theirs eq '|' ? 'wrong' : 'link' }++;
}
is("@differ[0 .. ($#differ > 4 ? 4 : $#differ)]", '', "the same for all, seed $seed");
diag(join ', ', map { "$_: $count{$_}" } sort keys %count) if $ENV{TEST_VERBOSE};
# Only then does it say anything.
my %least = (right => 300, expired => 50, 'wrong, with expiry' => 200, wrong => 500, link => 100);
cmp_ok($count{$_} || 0, '>=', $least{$_}, "$_: enough") for sort keys %least;
my $answered = 0;
$answered += $count{$_} || 0 for keys %least;
cmp_ok($answered, '>=', 2000, 'enough links altogether');
$s->stop;
is_deeply([$s->trouble], [], 'no trouble');
done_testing;
