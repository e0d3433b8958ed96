# Pictures that an application sends by FastCGI: whole ones, and those that it breaks off, which nginx takes for whole.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use POSIX ();
use Test::More;

use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::Image qw(inspect);
use ImageGate::Server;

my ($BEGIN, $STDIN, $STDOUT, $STDERR, $END) = (1, 5, 6, 7, 3);

sub record { my ($type, $data) = @_; return pack('CCnnCC', 1, $type, 1, length $data, 0, 0) . $data }

sub taken {
    my ($socket, $len) = @_;
    my $data = '';
    while (length $data < $len) { sysread($socket, $data, $len - length $data, length $data) or return }
    return $data;
}

# An application: what is asked for says what it sends, "whole", "long" (without its length), or "cut", of which it sends
# all but 1500 bytes, "early", of which 3000, "open" (cut, without its length), and "said" (cut, but ended as FastCGI has it).
sub answer {
    my ($socket) = @_;
    my $params = '';
    for (;;) {
        my (undef, $type, undef, $len, $padding) = unpack 'CCnnC', taken($socket, 8) // return;
        my $data = taken($socket, $len) // '';
        taken($socket, $padding);
        $params .= $data if $type == 4;
        last if $type == $STDIN && !$len;
    }
    my ($how) = $params =~ /how=(\w+)/;
    my $photo = slurp(fixture_path('photo-300x200.jpg'));
    my $length = $how =~ /long|open/ ? '' : 'Content-Length: ' . length($photo) . "\r\n";
    my $sent = "Content-Type: image/jpeg\r\nCache-Control: max-age=60\r\n$length\r\n";
    $sent .= $how eq 'early' ? substr $photo, 0, 3000 : $how =~ /cut|said|open/ ? substr $photo, 0, -1500 : $photo;
    for (my $at = 0; $at < length $sent; $at += 4000) { syswrite $socket, record($STDOUT, substr $sent, $at, 4000) }
    syswrite $socket, record($STDOUT, '') . record($END, "\0" x 8) if $how !~ /cut|early|open/;
}

my $built = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;
plan skip_all => 'this nginx is built without FastCGI' if $built =~ /--without-http_fastcgi_module/;
my $has_cache = $built !~ /--without-http-cache/;

my $s = ImageGate::Server->new;
my $listen = IO::Socket::UNIX->new(Local => "$s->{dir}/app.sock", Listen => 16) or die "application: $!";
chmod 0666, "$s->{dir}/app.sock";
my ($test, $application) = ($$, fork // die "fork: $!");
if (!$application) {
    $SIG{TERM} = sub { POSIX::_exit(0) };
    while (my $socket = $listen->accept) {
        eval { answer($socket) };
        close $socket;
    }
    POSIX::_exit(0);
}
END { kill 'TERM', $application if $application && $$ == $test }

$s->{http} = $has_cache ? 'image_resize_cache_path cache keys_zone=images:1m;' : '';
my $app = "fastcgi_pass unix:$s->{dir}/app.sock; fastcgi_param QUERY_STRING \$args;";
my $cache = $has_cache ? 'image_resize_cache images; add_header X-Cache $image_resize_cache_status always;' : '';
$s->start("location / { image_resize resize 100 -; $app }
    location /unbuffered/ { image_resize resize 100 -; fastcgi_buffering off; $app }
    location /cached/ { image_resize resize 100 -; $cache $app }");

for my $where ('/', '/unbuffered/', '/cached/') {
    for my $how ('whole', 'long') {
        my $r = $s->client->get("$where?how=$how");
        is($r->{status}, 200, "$where $how - status");
        is(inspect($r->{body})->{width}, 100, "$where $how - width") if $r->{status} == 200;
    }
    for my $how ('cut', 'early', 'open', 'said') {
        for (1, 2) {
            my $r = $s->client->get("$where?how=$how");
            is($r->{status}, 502, "$where $how - status");
            is($r->{h}{'x-cache'}, 'MISS', "$where $how - kept nowhere") if $where eq '/cached/' && $has_cache;
        }
    }
}
is(join('', grep { !/broke off/ } $s->trouble), '', 'nothing bad in the log');
done_testing();
