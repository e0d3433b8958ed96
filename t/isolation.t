# The processes that decode JPEG XL end with what they are for: a request, a worker, an nginx. An nginx of its
# own, with a master, as Test::Nginx runs one process.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Fixtures qw(fixture_dir fixture_path);
use ImageGate::HostileJxl;
use ImageGate::Image qw(inspect);
use ImageGate::Server;

my $files = fixture_dir();
fixture_path('photo-300x200.jxl');

my $s = ImageGate::Server->new;
ImageGate::HostileJxl::put('squeezed.jxl', $s->{dir});
$s->start(qq{
    location /long/ { image_resize resize 30 -; image_resize_limit time=10m; alias $s->{dir}/; }
    location /good/ { image_resize resize 30 -; image_resize_format png; alias $files/; }
});

# Of a process, those that it made.
sub made_by { return map { /^(\d+)/ } `pgrep -P $_[0]` }
sub there { return grep { -e "/proc/$_" } @_ }

# A worker, what watches its helper, that helper, and a child of that which decodes for as long as it is let.
sub at_it {
    my $c = $s->client(timeout => 120);
    $c->send('GET', '/long/squeezed.jxl');
    my @processes;
    my $ok = $s->wait(20, sub {
        for my $worker ($s->workers($s->{master})) {
            for my $watch (made_by($worker)) {
                for my $helper (made_by($watch)) {
                    @processes = ($worker, $watch, $helper, made_by($helper));
                    return 1 if @processes == 4;
                }
            }
        }
        return 0;
    });
    ok($ok, 'at it');
    return ($c, @processes);
}

sub is_good {
    my $what = shift;
    my $r = $s->client(timeout => 60)->get('/good/photo-300x200.jxl');
    is($r->{status}, 200, $what);
    is(inspect($r->{body})->{format}, 'png', "$what, what it is");
}

is_good('an image');

my ($c, $worker, $watch, $helper, $child) = at_it();
$c->abort;
ok($s->wait(20, sub { !there($child) }), 'a child ends with its client');
is(scalar there($worker, $watch, $helper), 3, 'and no more than that');
is_good('an image after that');

($c, $worker, $watch, $helper, $child) = at_it();
kill 'TERM', $helper, $watch;
kill 'HUP', $helper, $watch;
is(scalar there($worker, $watch, $helper, $child), 4, 'signals for all processes of a program do nothing to them');
kill 'KILL', $worker;
ok($s->wait(20, sub { !there($worker, $watch, $helper, $child) }), 'all end with a worker that is killed');
ok($s->wait(20, sub { my @new = $s->workers($s->{master}); @new && $new[0] != $worker }), 'there is another');
is_good('an image by that');

($c, $worker, $watch, $helper, $child) = at_it();
kill 'KILL', $child;
my $r = $c->recv;
is($r->{status}, 503, 'a child that somebody kills is not the fault of the file');
($c, $worker, $watch, $helper, $child) = at_it();
kill 'KILL', $helper;
ok($s->wait(20, sub { my ($new) = made_by($watch); $new && $new != $helper }), 'a helper that is killed is replaced');
is_good('an image by another helper');
is(scalar there($child), 1, 'children of the one before go on');
$c->abort;
ok($s->wait(20, sub { !there($child) }), 'and end with their client');

($c, $worker, $watch, $helper, $child) = at_it();
kill 'STOP', $child;
$c->abort;
ok($s->wait(20, sub { !there($child) }), 'a child that stands still ends, too');

($c, $worker, $watch, $helper, $child) = at_it();
$s->signal('HUP');
ok($s->wait(20, sub { my @all = $s->workers($s->{master}); @all == 2 }), 'a reload');
is_good('an image after a reload');
is(scalar there($worker, $watch, $helper, $child), 4, 'a worker that shuts down lets its decoders go on');
$c->abort;
ok($s->wait(20, sub { !there($worker, $watch, $helper, $child) }), 'and takes its helper with it');

($c, $worker, $watch, $helper, $child) = at_it();
my $master = delete $s->{master};
kill 'TERM', $master;
ok($s->wait(20, sub { !there($master, $worker, $watch, $helper, $child) }), 'nothing is left of an nginx that stops');

is(join('', grep { !/exited on signal 9|the process of the codec was ended/ } $s->trouble), '', 'nothing bad in the log');
unlike($s->log, qr/unknown process/, 'of the processes nginx does not know');

done_testing();
