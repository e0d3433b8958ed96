# Signals while jobs run: reload, a reload that fails, shutdown, a killed worker, a new
# binary. An nginx of its own, as Test::Nginx runs one process without a master.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Fixtures qw(fixture_dir fixture_path slurp);
use ImageGate::Image qw(decode inspect);
use ImageGate::Server;

my $files = fixture_dir();
fixture_path($_) for qw(noise-1800x1200-q90.jpg photo-300x200.jpg);

# A job of a second or more, and a quick one.
sub locations {
    my $w = shift;
    return qq{
        location /slow/ {
            image_resize convert;
            image_resize_format webp;
            image_resize_webp_quality 90 effort=6;
            image_resize_sharpen 1;
            image_resize_limit time=60s;
            alias $files/;
        }
        location /quick/ { image_resize resize $w -; alias $files/; }
    };
}

my $slow = '/slow/noise-1800x1200-q90.jpg';

sub start_slow {
    my $s = shift;
    my $c = $s->client(timeout => 60);
    $c->send('GET', $slow);
    sleep 0.3;
    return $c;
}

sub is_slow_answer {
    my ($c, $name) = @_;
    my $r = $c->recv;
    is($r->{status}, 200, "$name - status") or diag($r->{error} || '');
    my ($img, $e) = decode($r->{body});
    ok($img && $img->Get('width') == 1800, "$name - picture") or diag($e);
    return $r;
}

sub quick_width {
    my $s = shift;
    return inspect($s->client->get('/quick/photo-300x200.jpg')->{body})->{width};
}

{
    my $name = 'reload';
    my $s = ImageGate::Server->new->start(locations(100));
    my $old = $s->worker;
    my $c = start_slow($s);
    $s->write_conf(locations(110));
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a new worker answers");
    is(quick_width($s), 110, "$name - by the new configuration");
    is_slow_answer($c, "$name - the old job");
    ok($s->wait(20, sub { !kill 0, $old }), "$name - then the old worker goes");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'failed reload';
    my $s = ImageGate::Server->new->start(locations(100));
    is(quick_width($s), 100, "$name - before");
    my $old = $s->worker;
    my $c = start_slow($s);
    $s->write_conf('location / { image_resize nonsense; }');
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->log =~ /\[emerg\].*image_resize/ }), "$name - is refused");
    is($s->worker, $old, "$name - the old worker stays");
    is(quick_width($s), 100, "$name - and answers");
    is_slow_answer($c, "$name - also the job that ran");
    $s->write_conf("location /x { image_resize_threads nopool; image_resize resize 1 1; }");
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->log =~ /unknown thread pool|built without threads/ }), "$name - a second one");
    $s->write_conf(locations(120));
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a good one afterwards");
    is(quick_width($s), 120, "$name - holds");
    ok($s->wait(20, sub { !kill 0, $old }), "$name - the old worker goes");
    my @bad = grep { !/\[emerg\].*(?:nonsense|nopool|image_resize)/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

{
    my $name = 'the module leaves and comes back';
    my $s = ImageGate::Server->new->start(locations(100));
    is(quick_width($s), 100, "$name - before");
    my $old = $s->worker;
    my $conf = slurp("$s->{dir}/nginx.conf");
    (my $without = $conf) =~ s/^load_module.*\n//;
    $without =~ s/image_resize\w*[^;]*;//g;
    open my $out, '>', "$s->{dir}/nginx.conf" or die $!;
    print $out $without;
    close $out;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - without it");
    is(quick_width($s), 300, "$name - originals");
    $old = $s->worker;
    $s->write_conf(locations(90));
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - with it");
    is(quick_width($s), 90, "$name - pictures again");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'graceful shutdown';
    my $s = ImageGate::Server->new->start(locations(100));
    my @pids = ($s->{master}, $s->workers);
    my $c = start_slow($s);
    my $d = start_slow($s);
    my $keep = $s->client;
    $keep->get('/ready');
    $s->signal('QUIT');
    is_slow_answer($c, "$name - a job that ran");
    is_slow_answer($d, "$name - another");
    ok($s->wait(20, sub { !grep { kill 0, $_ } @pids }), "$name - all processes go");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
    delete $s->{master};
}

{
    my $name = 'fast shutdown';
    my $s = ImageGate::Server->new->start(locations(100));
    my @pids = ($s->{master}, $s->workers);
    my $c = start_slow($s);
    $s->signal('TERM');
    ok($s->wait(20, sub { !grep { kill 0, $_ } @pids }), "$name - all processes go, jobs or not");
    my @bad = grep { !/open socket #\d+ left in connection/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing bad in the log");
    delete $s->{master};
}

{
    my $name = 'a killed worker';
    my $s = ImageGate::Server->new->start(locations(100));
    my $old = $s->worker;
    my $c = start_slow($s);
    kill 'KILL', $old;
    my $r = $c->recv;
    ok($r->{error}, "$name - its clients lose their connection");
    ok($s->wait(20, sub { my $w = $s->worker; $w && $w ne $old }), "$name - another comes");
    is(quick_width($s), 100, "$name - and answers");
    my @bad = grep { !/worker process $old exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing else in the log");
}

{
    my $name = 'a new binary';
    my $s = ImageGate::Server->new->start(locations(100));
    my $old = $s->{master};
    my @old_workers = $s->workers;
    my $c = start_slow($s);
    $s->write_conf(locations(130));
    $s->signal('USR2');
    ok($s->wait(20, sub { $s->master_after($old) }),
        "$name - a second master");
    my $new = $s->named_master;
    ok($s->wait(20, sub { scalar $s->workers($new) }), "$name - with a worker");
    kill 'QUIT', $old;
    is_slow_answer($c, "$name - the old one's job");
    ok($s->wait(20, sub { !grep { kill 0, $_ } $old, @old_workers }), "$name - the old ones go");
    is(quick_width($s), 130, "$name - the new one answers");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
    $s->{master} = $new;
}

done_testing();
