# access_key_alert: that each threshold of a window is told once, over all workers, reloads, killed workers and a
# restart; what is told, and the request beside the others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Exports qw(replace_file wait_for);
use ImageGate::Keys qw(key_file);
use ImageGate::Server;

my $s = ImageGate::Server->new(workers => 4);
replace_file("$s->{dir}/keys", key_file(
    acme  => 'KEY-ACME requests=100/month bytes=1g/month', paid => 'KEY-PAID requests=10/total',
    small => 'KEY-SMALL bytes=1k/month', none => 'KEY-NONE', off => 'KEY-OFF requests=2/month'));
mkdir "$s->{dir}/files";
replace_file("$s->{dir}/files/x", 'x' x 1000);
my $hook = ImageGate::Server::free_port();
$s->{http} = "access_key_zone p 256k state=$s->{dir}/state save=100ms; access_key_file p keys;
    log_format hook '\$args \$request_method \$http_content_length'; access_key_alert 100%;
    server { listen 127.0.0.1:$hook; location / { access_log $s->{dir}/logs/hook.log hook; return 204; } }";
my $conf = qq{
    access_key zone=p from=arg:key;
    access_key_alert 100% 50% 80% /alert;
    location / { alias $s->{dir}/files/; }
    location /plain/ { access_key_alert 50%; alias $s->{dir}/files/; }
    location /off/ { access_key_alert off; alias $s->{dir}/files/; }
    location = /alert { internal; proxy_pass http://127.0.0.1:$hook/hook?\$args; proxy_pass_request_body off; }
    location = /status { access_key off; access_key_status json; }
    location = /metrics { access_key off; access_key_status prometheus; }
};
$s->start($conf);

sub slurp { open my $in, '<', $_[0] or return ''; local $/; return <$in> }
sub lines { return grep { /has used \d+%/ && /"$_[0]"/ } split /\n/, slurp("$s->{dir}/logs/error.log") }
sub hooks { return grep { /partner=$_[0]&/ } split /\n/, slurp("$s->{dir}/logs/hook.log") }

# Clients of their own, so that all workers are asked.
sub ask {
    my ($n, $uri) = @_;
    my %seen;
    my @clients = map { $s->client } 1 .. 8;
    $seen{$clients[$_ % 8]->get($uri)->{status}}++ for 1 .. $n;
    return \%seen;
}

ask(49, '/x?key=KEY-ACME');
is(lines('acme'), 0, 'nothing before a threshold');
ask(1, '/x?key=KEY-ACME');
my @lines = lines('acme');
is(@lines, 1, 'at 50% there is a line');
like($lines[0], qr/\[warn\].*"acme" has used 50% of its requests per month, 50 of 100, zone "p"/, '... with what there is to say');
is_deeply(ask(70, '/x?key=KEY-ACME'), { 200 => 50, 429 => 20 }, 'on to the end and beyond');
is_deeply([map { /used (\d+)%/ } lines('acme')], [50, 80, 100], 'each threshold is told once, over all workers');
ok(wait_for(5, sub { hooks('acme') == 3 }), 'and asked for once');
# The requests of two thresholds may come in either order, from two workers.
like((grep { /percent=80/ } hooks('acme'))[0], qr{^zone=p&partner=acme&quantity=requests&per=month&percent=80&used=80&limit=100 GET -$},
    '... with all of it in the arguments, and without a body');

# A window that is passed at once, as by bytes, tells of every threshold.
ask(3, '/x?key=KEY-SMALL');
is_deeply([map { /used (\d+)% of its bytes/ } lines('small')], [50, 80, 100], 'bytes are told with the next request');
ask(12, '/x?key=KEY-PAID');
is_deeply([map { /used (\d+)% of its requests per total/ } lines('paid')], [50, 80, 100], 'what is paid ahead is told, too');
ask(20, '/x?key=KEY-NONE');
is(lines('none'), 0, 'without a quota there is nothing to tell');
ask(4, '/off/x?key=KEY-OFF');
is(lines('off'), 0, 'off is off');
ask(1, '/plain/x?key=KEY-OFF');
is_deeply([map { /used (\d+)%/ } lines('off')], [50], 'a location has its own thresholds');
is(hooks('off'), 0, '... and no URI');

# What is seen.
my $c = $s->client;
my $json = $c->get('/status')->{body};
like($json, qr/"quantity":"requests","per":"month",[^}]*"remaining":0,"alert":100/, 'the JSON says so');
my $metrics = $c->get('/metrics')->{body};
like($metrics, qr/^nginx_image_gate_access_key_alerts_total\{zone="p",partner="acme"\} 3$/m, 'there is a metric');
like($metrics, qr/partner="none"\} 0$/m, '... of all partners');
unlike($metrics, qr/^nginx_access_key_alerts/m, '... under one name');

# Nothing is told again.
$s->signal('HUP');
ask(5, '/x?key=KEY-ACME');
kill 'KILL', ($s->workers)[0];
sleep .3;
ask(5, '/x?key=KEY-ACME');
is(lines('acme'), 3, 'not after a reload, or when a worker was killed');
sleep .5;
$s->stop;
$s->start($conf);
ask(5, '/x?key=KEY-ACME');
is(lines('acme'), 3, '... and not after a restart');

$s->stop;
done_testing();
