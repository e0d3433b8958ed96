# access_key_usage: what a partner sees of itself, as JSON and as a page; that it is what the client counted, and that
# nobody sees anybody else's numbers: every key at every location in every format.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Exports qw(replace_file);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $s = ImageGate::Server->new(workers => 2);
my @partners = qw(acme beta gamma delta);
# A different number of requests each, in digits that nothing else has.
my %asked = (acme => 17, beta => 29, gamma => 43, delta => 61);
my %limit = (acme => 70_001, beta => 70_003, gamma => 70_009, delta => 70_019);
replace_file("$s->{dir}/keys", key_file((map { $_ => "KEY-\U$_\E requests=$limit{$_}/month" } @partners),
    off => 'KEY-OFF disabled', elsewhere => 'KEY-ELSEWHERE paths=/nowhere/', once => 'KEY-ONCE requests=1/month'));
replace_file("$s->{dir}/others", key_file(outsider => 'KEY-OUTSIDER'));
mkdir "$s->{dir}/files";
replace_file("$s->{dir}/files/x", 'x' x 1000);
$s->{http} = "access_key_zone p 256k state=$s->{dir}/state save=100ms; access_key_file p keys;
    access_key_zone q 256k; access_key_file q others;";
my $conf = qq{
    location / { access_key zone=p from=arg:key; alias $s->{dir}/files/; }
    location /usage/arg/ {
        access_key zone=p from=arg:key;
        location /usage/arg/json { access_key_usage json; }
        location /usage/arg/html { access_key_usage html; }
    }
    location /usage/header/json { access_key zone=p from=header:X-Key; access_key_usage json; }
    location /usage/header/html { access_key zone=p from=header:X-Key; access_key_usage html; }
    location /usage/cookie/json { access_key zone=p from=cookie:key; access_key_usage json; }
    location /usage/cookie/html { access_key zone=p from=cookie:key; access_key_usage html; }
    location ~ ^/usage/uri/[^/]+/json { access_key zone=p from=uri:3; access_key_usage json; }
    location ~ ^/usage/uri/[^/]+/html { access_key zone=p from=uri:3; access_key_usage html; }
    location /usage/any/json { satisfy any; allow all; access_key zone=p from=arg:key; access_key_usage json; }
    location /usage/any/html { satisfy any; allow all; access_key zone=p from=arg:key; access_key_usage html; }
    location /usage/other/json { access_key zone=q from=arg:key; access_key_usage json; }
    location /usage/other/html { access_key zone=q from=arg:key; access_key_usage html; }
};
$s->start($conf);
my $c = $s->client;
for my $id (@partners) {
    $c->get("/x?key=KEY-\U$id") for 1 .. $asked{$id};
}

# Asks at a location with a key.
sub ask {
    my ($way, $format, $key, $method) = @_;
    my $uri = $way eq 'uri' ? "/usage/uri/$key/$format/x" : "/usage/$way/$format";
    $uri .= "?key=$key" if $way =~ /^(?:arg|any|other)$/ && length $key;
    return $c->request($method || 'GET', $uri, $way eq 'header' ? ('X-Key' => $key) : $way eq 'cookie' ? (Cookie => "key=$key") : ());
}

# Every key, at every location, in every format.
my (%seen, @bad);
for my $format (qw(json html)) {
    for my $way (qw(arg header cookie uri any other)) {
        for my $id (@partners, 'outsider') {
            my $r = ask($way, $format, "KEY-\U$id");
            my $is_here = ($way eq 'other') == ($id eq 'outsider');
            my $refused = $way eq 'any' ? 403 : 401;
            my $where = "$id at $way/$format";
            if (!$is_here) {
                push @bad, "$where: status $r->{status}" if $r->{status} != $refused;
                next;
            }
            $seen{$id}++;
            push @bad, "$where: status $r->{status}" if $r->{status} != 200;
            push @bad, "$where: does not name itself" if $r->{body} !~ /\b\Q$id\E\b/;
            push @bad, "$where: a cache may keep it" if $r->{h}{'cache-control'} ne 'private, no-store';
            for my $other (grep { $_ ne $id } @partners, qw(outsider off elsewhere once)) {
                push @bad, "$where: names $other" if $r->{body} =~ /\b\Q$other\E\b/;
                next if !$limit{$other};
                push @bad, "$where: has a number of $other" if $r->{body} =~ /\b$limit{$other}\b|\b70,0\Q${\substr $limit{$other}, 3}\E\b/;
            }
            next if $format eq 'html' || !$asked{$id};
            my $own = JSON::PP::decode_json($r->{body});
            # This request itself was let in, and is logged later.
            my ($window) = grep { $_->{quantity} eq 'requests' && $_->{per} eq 'month' } @{ $own->{windows} };
            push @bad, "$where: $window->{used} used of $window->{limit}" if $window->{used} != $asked{$id} + $seen{$id} || $window->{limit} != $limit{$id};
            push @bad, "$where: $own->{requests} requests" if $own->{requests} != $asked{$id} + $seen{$id} - 1;
            push @bad, "$where: a key" if $r->{body} =~ /KEY-/;
        }
    }
}
is_deeply(\@bad, [], 'nobody sees anybody else, and everybody counts as the client does');

# Who has no key of somebody's, or one that is not for this, sees nothing.
for (['arg', 401, ''], ['arg', 401, 'KEY-NOBODY'], ['arg', 401, 'KEY-OFF'], ['arg', 403, 'KEY-ELSEWHERE'],
     ['any', 403, ''], ['any', 403, 'KEY-NOBODY'], ['any', 403, 'KEY-OFF'], ['any', 403, 'KEY-ELSEWHERE']) {
    my ($way, $status, $key) = @$_;
    for my $format (qw(json html)) {
        my $r = ask($way, $format, $key);
        is($r->{status}, $status, "$status for '$key' at $way/$format");
        unlike($r->{body}, qr/acme|windows|Quotas/, '... with nothing in it');
    }
}
is(ask('arg', 'json', 'KEY-ONCE')->{status}, 200, 'a look counts as a request');
is(ask('arg', 'json', 'KEY-ONCE')->{status}, 429, '... and there is no second one where one is all');
is(ask('arg', 'json', 'KEY-ACME', 'POST')->{status}, 405, 'POST is not allowed');
my $r = ask('arg', 'html', 'KEY-ACME', 'HEAD');
is_deeply([@$r{qw(status body)}], [200, ''], 'HEAD has no body');
like($r->{h}{'content-security-policy'}, qr/default-src 'none'/, 'the page loads nothing');
is($r->{h}{'referrer-policy'}, 'no-referrer', '... and tells nobody where it is');

# Days: this one from memory, those that are over from the file.
my $own = JSON::PP::decode_json(ask('arg', 'json', 'KEY-BETA')->{body});
is(scalar @{ $own->{days} }, 1, 'today is there');
is($own->{days}[0]{day}, strftime('%Y-%m-%d', gmtime), '... by its date');
ok($own->{days}[0]{requests} >= $asked{beta} && $own->{days}[0]{bytes_sent} > 1000 * $asked{beta}, '... and what was used of it');

# Bills: what was let in, against the client's own count, whoever is killed meanwhile.
my (%own, %started);
sub count {
    my ($n) = @_;
    for my $id ('beta', 'gamma') {
        for (1 .. $n) {
            my $r = $s->client->get("/x?key=KEY-\U$id");
            next if $r->{status} != 200;
            $own{$id}[0]++;
            $own{$id}[1] += length($r->{head}) + 2 + length($r->{body});
        }
    }
}
my $program = ($ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$FindBin::Bin/../build") . '/image-gate';
my $month = strftime('%Y-%m', gmtime);
sub bill { return { map { (split /,/)[0] => [(split /,/)[2, 3]] } grep { /,$month,/ } split /\r\n/, qx($program usage $s->{dir}/state --month $month --csv) } }
sub billed { my $bill = bill(); return { map { my $id = $_; $id => [map { $bill->{$id}[$_] - $started{$id}[$_] } 0, 1] } 'beta', 'gamma' } }
sub settled { my ($was, $is) = (''); for (1 .. 40) { sleep .15; $is = JSON::PP->new->canonical->encode(bill()); last if $is eq $was; $was = $is } }
settled();
%started = %{ bill() };
count(7);
kill 'KILL', ($s->workers)[0];
sleep .3;
count(5);
settled();
is_deeply(billed(), \%own, 'a killed worker takes nothing that it had counted');
kill 'KILL', $s->{master}, $s->workers;
sleep .3;
$s->start($conf);
count(4);
settled();
is_deeply(billed(), \%own, '... nor does all of nginx what it had saved');
$s->signal('HUP');
sleep .3;
count(3);
settled();
is_deeply(billed(), \%own, '... and a reload counts nothing twice');

$s->stop;
done_testing();
