# Pictures, links, keys and what is kept over HTTP/3, asked by a client of others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_base64);
use IPC::Open2 qw(open2);
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(decode_base64);
use Test::More;

use ImageGate::Exports qw(replace_file);
use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Image qw(inspect);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $python = $ENV{TEST_NGINX_IMAGE_GATE_HTTP3};
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
plan skip_all => 'this nginx is built without HTTP/3' if `$nginx -V 2>&1` !~ /http_v3_module/;
plan skip_all => 'no aioquic: scripts/matrix installs it, and names its python in TEST_NGINX_IMAGE_GATE_HTTP3' if !$python;

my $files = fixture_dir();
fixture_path('photo-300x200.jpg');
my $photo = slurp("$files/photo-300x200.jpg");

my $s = ImageGate::Server->new;
my $dir = $s->{dir};
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout $dir/tls.key -out $dir/tls.crt 2>/dev/null") == 0
    or die 'openssl: no certificate';
replace_file("$dir/keys", key_file(acme => 'KEY-ACME requests=3/hour'));
my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "port: $!";
my $port = $udp->sockport;
$udp->close;
$s->{http} = "access_key_zone p 128k; access_key_file p keys; image_resize_cache_path $dir/cache keys_zone=kept:1m;";
$s->{listen} = "; listen 127.0.0.1:$port quic; ssl_certificate $dir/tls.crt; ssl_certificate_key $dir/tls.key; ssl_protocols TLSv1.3";
$s->start(qq{
    location /made/ { image_resize resize 100 -; alias $files/; }
    location /kept/ {
        image_resize resize 120 -; image_resize_cache kept; alias $files/;
        add_header X-Cache \$image_resize_cache_status always;
    }
    location /linked/ {
        secure_link_hash \$arg_md5; secure_link_hash_md5 "\$uri secret"; secure_link_hash_require on;
        image_resize resize 80 -; alias $files/;
    }
    location /partners/ { access_key zone=p from=header:X-Key; alias $files/; }
});

# The answers to requests of one connection.
sub ask {
    my $pid = open2(my $out, my $in, $python, "$FindBin::Bin/lib/http3.py", $port);
    print $in encode_json([map { [$_->[0], $_->[1], $_->[2] || {}] } @_]);
    close $in;
    my $text = do { local $/; <$out> };
    waitpid $pid, 0;
    die "the client ended with $?" if $?;
    my @answers = @{decode_json($text)};
    $_->{body} = decode_base64($_->{body}) for @answers;
    return @answers;
}

sub width { return inspect($_[0]{body})->{width} }

# No HEAD: this client takes an answer without its body for one that was cut.
my ($made, $missing) = ask(['GET', '/made/photo-300x200.jpg'], ['GET', '/made/none.jpg']);
is($made->{status}, 200, 'made - status') or diag($made->{error} || '');
is(width($made), 100, 'made - width');
is($made->{h}{'content-length'}, length $made->{body}, 'made - length');
is($missing->{status}, 404, 'none');
my ($same) = ask(['GET', '/made/photo-300x200.jpg', {'If-None-Match' => $made->{h}{etag}}]);
is($same->{status}, 304, 'not modified');

my ($first) = ask(['GET', '/kept/photo-300x200.jpg']);
is("$first->{status} $first->{h}{'x-cache'}", '200 MISS', 'kept - made');
my ($part, @kept) = ask(['GET', '/kept/photo-300x200.jpg', {Range => 'bytes=2-9'}], map { ['GET', '/kept/photo-300x200.jpg'] } 1 .. 20);
is(scalar(grep { $_->{status} == 200 && $_->{h}{'x-cache'} eq 'HIT' && $_->{body} eq $first->{body} } @kept), 20, 'kept - 20 at once');
is(width($first), 120, 'kept - width');
is("$part->{status} $part->{h}{'content-range'}", '206 bytes 2-9/' . length $first->{body}, 'kept - a part');
is($part->{body}, substr($first->{body}, 2, 8), 'kept - its bytes');

my @cold = ask(map { ['GET', "/made/photo-300x200.jpg?n=$_"] } 1 .. 30);
is(scalar(grep { $_->{status} == 200 && width($_) == 100 } @cold), 30, '30 made at once');

my $token = md5_base64('/linked/photo-300x200.jpg secret') =~ tr{+/}{-_}r;
my ($right, $wrong, $none) = ask(map { ['GET', "/linked/photo-300x200.jpg$_"] } "?md5=$token", '?md5=x', '');
is(width($right), 80, 'a link');
is("$wrong->{status} $none->{status}", '403 403', 'a wrong one, and none');

my @counted = map { (ask(['GET', '/partners/photo-300x200.jpg', {'X-Key' => 'KEY-ACME'}]))[0] } 1 .. 4;
is(join(' ', map { $_->{status} } @counted), '200 200 200 429', 'a key, until its quota is used up');
is($counted[0]{body}, $photo, 'a key - the original');
my ($refused) = ask(['GET', '/partners/photo-300x200.jpg']);
is($refused->{status}, 401, 'no key');
is(join('', $s->trouble), '', 'nothing bad in the log');

done_testing();
