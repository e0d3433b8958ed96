# docs/signing: each language's links are taken by nginx and by image-gate verify, and refused
# once anything in them is changed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: every language
--- config
    location / {
        secure_link_hash_key     "a secret";
        secure_link_hash         $arg_token,$arg_expires;
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        secure_link_hash_require on;
        location /md5/ {
            secure_link_hash         $arg_md5,$arg_expires;
            secure_link_hash_md5     "$secure_link_hash_expires$uri a secret";
            alias $TEST_NGINX_HTML_DIR/;
        }
        location /hmac/ {
            alias $TEST_NGINX_HTML_DIR/;
        }
    }
--- user_files eval
[[ "a b\xc3\xa9.txt" => 'paid' ], [ 'other.txt' => 'other' ]]
--- script eval
sub {
    my $name = shift;
    local $ENV{LINK_KEY} = 'a secret';
    my $folder = "$FindBin::Bin/../docs/signing";
    my $tool = "$ENV{TEST_NGINX_IMAGE_GATE_BUILD}/image-gate";
    my %verify = (
        md5  => [ '--format', 'md5', '--value', '$arg_md5,$arg_expires' ],
        hmac => [],
    );
    for (
        [qw(python3 sign.py)], [qw(node sign.js)], [qw(perl sign.pl)], [qw(sh sign.sh)],
        [qw(php sign.php)], [qw(ruby sign.rb)], [qw(go run sign.go)],
    ) {
        my @command = @$_;
        my $script = $command[-1];
        my $is_there = grep { -x "$_/$command[0]" } split /:/, $ENV{PATH};
        SKIP: {
            Test::More::skip("$name: $script: no $command[0] on this machine", 1) if !$is_there;
            $command[-1] = "$folder/$script";
            for my $kind (qw(md5 hmac)) {
                my $links = sub {
                    my ($path, $expires) = @_;
                    open my $out, '-|', @command, $path, $expires or die "$command[0]: $!";
                    my @links = <$out>;
                    close $out;
                    CORE::chomp @links;
                    Test::More::is(scalar @links, 2, "$name: $script: two links");
                    return $links[ $kind eq 'md5' ? 0 : 1 ];
                };
                my $check = sub {
                    my ($link, $status, $verdict, $what) = @_;
                    Test::More::is(client()->get($link)->{status}, $status, "$name: $script: $kind: $what");
                    my $said = qx('$tool' verify @{[map { "'$_'" } @{ $verify{$kind} }]} --key env=LINK_KEY '$link' 2>&1);
                    Test::More::like($said, $verdict, "$name: $script: $kind: $what, to image-gate verify");
                };
                my $good = $links->("/$kind/a b\xc3\xa9.txt", LATER);
                $check->($good, 200, qr/^ok: expires at 2100-01-01T00:00:00Z/, 'a good link');
                my $expired = $links->("/$kind/a b\xc3\xa9.txt", PAST);
                $check->($expired, 410, qr/^image-gate: expired: at 2017-07-14T02:40:00Z/, 'an expired one');
                my $other = $links->("/$kind/other.txt", LATER);
                my ($query) = $other =~ /(\?.*)/;
                $check->($good =~ s/\?.*/$query/r, 403, qr/^image-gate: mismatch: /, 'the token of another path');
                $check->($good =~ s/expires=@{[LATER]}/"expires=" . (LATER() + 1)/er, 403,
                    qr/^image-gate: mismatch: /, 'a longer life');
                $check->($good =~ s/\?.*//r, 403, qr/^image-gate: missing: /, 'no token');
            }
        }
    }
}
