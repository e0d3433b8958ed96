# access_key_mask: keys that came by every source, right and wrong ones, with every kind of
# answer; afterwards they are in no log, status, header or file. Whole words are long, so that
# nothing is found by chance.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(sleep);

use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::H2;
use ImageGate::Keys qw(key_file);
use ImageGate::Server qw(free_port);

my $files = fixture_dir();
fixture_path($_) for qw(photo-300x200.jpg text.txt);

my $good = 'GoodKey5f3b09c2';
my $gone = 'GoneKey77aa10de';
my $wrong = 'WrongKey2d94e6b1';

my $h2_port = free_port();

# All variables of the module, as there may be more of them that hold a part of what a client wrote.
my @ours = map { slurp($_) =~ /name: "(\w+)"/g } glob "$FindBin::Bin/../src/*/variables.rs";

my $s = ImageGate::Server->new(workers => 2);

sub locations {
    return qq{
        access_log $s->{dir}/logs/all.log all;
        access_log $s->{dir}/logs/combined.log combined;
        access_log $s->{dir}/logs/ours.log ours;
        client_max_body_size 1k;
        location /o/ {
            access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2;
            access_key_redirect /inside\$access_key_uri;
        }
        location /bearer/ { access_key zone=p from=header:Authorization; alias $files/; }
        location /dead/ { access_key zone=p from=arg:key|uri:2; proxy_pass http://127.0.0.1:1; }
        location /quota/ {
            access_key zone=p from=arg:key|uri:2;
            access_key_quota requests=1 per=month;
            alias $files/;
        }
        location /kept/ {
            access_key zone=p from=arg:key|header:X-Api-Key|uri:2;
            access_key_strip off;
            proxy_pass http://127.0.0.1:1;
        }
        location /twice/ { access_key zone=p from=arg:key; error_page 401 404 /said?\$args; alias $files/; }
        location = /said { access_key off; return 404 "\$request|\$request_uri|\$args|\$arg_key"; }
        location /inside/o/ { internal; alias $files/; }
        location /image/ {
            image_resize_url imgproxy hosts=*.test;
            image_resize_allow all;
            image_resize resize 10 10;
            proxy_pass http://127.0.0.1:1;
        }
        location /link/ { secure_link_hash \$arg_t; secure_link_hash_message \$uri; secure_link_hash_key k; return 404; }
        location /open/ { alias $files/; }
    };
}

$s->{main} = "error_log $s->{dir}/logs/debug.log debug;";
$s->{http} = qq~
    access_key_zone p 256k state=$s->{dir}/state save=100ms;
    access_key_file p $s->{dir}/keys;
    log_format all '\$request|\$request_uri|\$uri|\$args|\$arg_key|\$http_x_api_key|\$cookie_k|\$http_cookie'
                   '|\$http_authorization|\$http_referer|\$access_key_id|\$access_key_status|\$access_key_uri'
                   '|\$access_key_policy|\$access_key_remaining|\$status';
    log_format ours '~ . join('|', map { '$' . $_ } @ours) . q~';
~ . qq~
    server {
        listen 127.0.0.1:$h2_port http2;
~ . locations() . '}';
open my $out, '>', "$s->{dir}/keys" or die $!;
print $out key_file(acme => "$good preset=a", former => "$gone disabled");
close $out;
$s->start(locations());

my $answers = '';
sub ask {
    my ($want, $method, $uri, @headers) = @_;
    my $r = $s->client->request($method, $uri, @headers);
    is($r->{status}, $want, "$method $uri @headers");
    $answers .= $r->{head} . ($r->{status} == 200 ? '' : $r->{body});
    return $r;
}

my $photo = slurp("$files/photo-300x200.jpg");
is(ask(200, 'GET', "/o/photo-300x200.jpg?a=1&key=$good&b")->{body}, $photo, 'original by argument');
is(ask(200, 'GET', "/o/$good/photo-300x200.jpg")->{body}, $photo, 'original by URI');
is(ask(200, 'GET', '/o/photo-300x200.jpg', 'X-Api-Key' => $good)->{body}, $photo, 'original by header');
is(ask(200, 'GET', '/o/photo-300x200.jpg', Cookie => "a=1; k=$good; b=2")->{body}, $photo, 'original by cookie');
is(ask(200, 'GET', '/bearer/photo-300x200.jpg', Authorization => "Bearer $good")->{body}, $photo, 'original by token');
ask(200, 'HEAD', "/o/$good/photo-300x200.jpg?key=$good");
ask(200, 'GET', '/open/text.txt', Referer => "http://h/o/x?key=$good", 'X-Api-Key' => $good);
ask(200, 'GET', '/open/text.txt', Referer => "http://h/o/$good/x");
ask(404, 'GET', "/open/$good/text.txt?key=$good");
for my $key ($good, $gone, $wrong) {
    my $ok = $key eq $good;
    ask($ok ? 404 : 401, 'GET', "/o/$key/nothing");
    ask($ok ? 404 : 401, 'GET', "/o//./$key/%2e/no%74hing");
    ask($ok ? 404 : 401, 'GET', "/o/nothing?KEY=$key");
    ask($ok ? 404 : 401, 'GET', '/o/nothing', 'x-api-key' => $key);
    ask($ok ? 404 : 401, 'GET', '/bearer/nothing', authorization => "bearer $key");
    ask(400, 'GET', "/o/nothing?key=$key&key=$key");
    ask(400, 'GET', "/o/nothing?key=$key", 'X-Api-Key' => "other");
    ask($ok ? 405 : 401, 'POST', "/o/nothing?key=$key", 'Content-Length' => 0);
    ask(413, 'POST', "/o/nothing?key=$key", 'Content-Length' => 9999);
    ask($ok ? 502 : 401, 'GET', "/dead/x?key=$key");
    ask($ok ? 502 : 401, 'GET', "/dead/$key/x");
    ask($ok ? 502 : 401, 'GET', "/kept/x?key=$key");
    ask($ok ? 502 : 401, 'GET', "/kept/$key/x");
    ask($ok ? 502 : 401, 'GET', '/kept/x', 'X-Api-Key' => $key);
    ask($ok ? 429 : 401, 'GET', "/quota/text.txt?key=$key");
    ask($ok ? 429 : 401, 'GET', "/quota/$key/text.txt");
    ask(404, 'GET', "/twice/nothing?key=$key") if $ok;
    ask(401, 'GET', "/twice/nothing?key=$key") if !$ok;
}
# What is encoded, and decoded by us.
for my $key ($good, "no/$good/no") {
    (my $source = encode_base64("http://h.test/$key/x.jpg", '')) =~ tr{+/=}{-_}d;
    ask(502, 'GET', "/image/sig/rs:fit:10:10/$source");
    ask(502, 'GET', '/image/sig/rs:fit:10:10/plain/http%3A%2F%2Fh.test%2F' . $key =~ s{/}{%2F}gr . '%2Fx.jpg');
    ask(404, 'GET', "/link/$key?t=x&a=$key");
}
# Before an argument of that name, and in brackets behind it.
ask(404, 'GET', "/open/$good/key=x.jpg");
ask(404, 'GET', "/open/$good,key=");
ask(200, 'GET', "/open/text.txt?u=/$good/key=1&key[$good]=", Referer => "http://h/$good/key=1", 'User-Agent' => "bot/$good/key=1");
# Left in the middle.
{
    my $c = $s->client;
    $c->send('GET', "/dead/x?key=$good", 'X-Api-Key' => $good);
    $c->abort;
}

{
    my $h2 = ImageGate::H2->new(port => $h2_port);
    for my $uri ("/o/photo-300x200.jpg?key=$good", "/o/$good/photo-300x200.jpg") {
        my $r = $h2->recv($h2->send('GET', $uri));
        is($r->{status}, 200, "HTTP/2 $uri");
        is($r->{body}, $photo, "HTTP/2 $uri - the original");
    }
    is($h2->recv($h2->send('GET', "/o/x?key=$wrong"))->{status}, 401, 'HTTP/2, a wrong key');
}

# State, and the lines of requests that are over.
ok($s->wait(10, sub { -s "$s->{dir}/state" && slurp("$s->{dir}/state") =~ /acme/ }), 'the state is kept');
ok($s->wait(10, sub { slurp("$s->{dir}/logs/all.log") =~ m{/o/x\?key=\*\*\*.*invalid} }), 'the last line is there');
my @before = stat "$s->{dir}/state";

my $any = qr/\Q$good\E|\Q$gone\E|\Q$wrong\E/;
my $unseen = $s->unseen;
for my $file ('logs/all.log', 'logs/ours.log', 'logs/combined.log', 'logs/error.log', 'state') {
    my $text = slurp("$s->{dir}/$file");
    my @bad = grep { s/$unseen//gr =~ $any } split /^/, $text;
    ok(length $text, "$file was written");
    is(join('', @bad), '', "$file holds no key");
}
unlike($answers, $any, 'no answer holds a key');
like(slurp("$s->{dir}/logs/all.log"), qr{^GET /o/\*\*\*/photo-300x200.jpg HTTP/1.1\|.*\|acme\|valid\|/o/photo-300x200.jpg\|preset=a\|-\|200$}m,
    'the line of a request');
like(slurp("$s->{dir}/logs/all.log"), qr{^GET /o/photo-300x200.jpg\?a=1&key=\*\*\*&b HTTP/1.1\|}m, 'and by argument');
like(slurp("$s->{dir}/logs/combined.log"), qr{"http://h/o/\*\*\*/x"}, 'the referer');

# What nginx's own debugging says of a request, no module can keep it from saying; other lines are
# masked at that level, too.
my @lines = split /^/, slurp("$s->{dir}/logs/debug.log");
is(join('', grep { s/$unseen//gr =~ $any && /^\d{4}\// && !/\[debug\]/ } @lines), '', 'logs/debug.log - no key but in debugging');
SKIP: {
    skip 'nginx is built without debugging', 1 if `$s->{nginx} -V 2>&1` !~ /--with-debug/;
    ok(scalar(grep { $_ =~ $any } @lines), 'which was on');
}

# Refused before its location is asked, which knows that the path holds a key.
ask(413, 'POST', "/o/$good/x", 'Content-Length' => 9999);

# Refused while it was read: the access log still holds no key.
for my $text ("GET /o/x?key=$good HTTP/1.1\r\n\r\n", "GET /o/$good/x HTTP/1.1\r\nHost: a b\r\n\r\n",
              "GET /o/x?key=$good&a=\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /o/x?key=$good HTTP/3.7\r\n\r\n") {
    my $c = $s->client;
    $c->send_raw($text);
    like($c->recv->{status}, qr/^(?:400|505)$/, 'a broken request');
}
ok($s->wait(10, sub { slurp("$s->{dir}/logs/combined.log") =~ / 505 / }), 'is logged');
is(join('', grep { /\Q$good\E/ && m{POST /o/} } split /^/, slurp("$s->{dir}/logs/error.log")), '', 'logs/error.log - without its key');
for my $file ('logs/all.log', 'logs/ours.log', 'logs/combined.log') {
    is(join('', grep { $_ =~ $any } split /^/, slurp("$s->{dir}/$file")), '', "$file - without its key");
}

# nginx cuts long lines, and messages in them, within whatever is there: of a key nothing is left of which the rest could be
# guessed.
my @lengths = map { $_ * 4 } 195 .. 255, 430 .. 500;
for my $n (@lengths) {
    my $long = substr 'yyyyyyyyy/' x 200, 0, $n;
    $s->client->get("/open/$long/$good/z");
    $s->client->get("/open/$long?a=1&other=$good&z", 'X-Api-Key' => $good);
}
my $long_lines = sub { grep { m{(?:y{9}/){60}} } split /^/, slurp("$s->{dir}/logs/error.log") };
ok($s->wait(10, sub { $long_lines->() >= 2 * @lengths }), 'each made a line');
cmp_ok(scalar(grep { length > 1900 } $long_lines->()), '>', 50, 'many of which were cut');
is(join('', grep { s/$unseen//gr =~ /Goo/ } $long_lines->()), '', 'without the beginning of a key');

is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
