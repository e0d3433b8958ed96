# A month of two nodes with a Redis between them, under a clock that goes from noon to noon: what `image-gate usage`
# bills of each day is what the clients counted, whoever is reloaded or killed meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(free_port get_counted partner replace_file run_child server wait_for);

my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'no libfaketime' if !$faketime;

my $dir = File::Temp::tempdir('image-gate-month-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $owner = $$;
my $port = free_port();
my $redis = run_child(sub {
    exec 'redis-server', '--port', $port, '--bind', '127.0.0.1', '--dir', $dir, '--save', '', '--logfile', "$dir/redis.log", '--daemonize', 'no';
});
END {
    if ($$ == $owner) {
        local $?;
        kill 'KILL', $redis;
        waitpid $redis, 0;
    }
}

# The clock of the nodes: noon of that day of January 2027, in UTC.
my $first = 1_798_804_800;
sub set_noon { replace_file("$dir/clock", sprintf '+%d', $first + 86_400 * $_[0] - time) }

my %env = (LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => "$dir/clock", FAKETIME_NO_CACHE => 1,
           FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
sub node {
    my $name = shift;
    mkdir "$dir/$name";
    local %ENV = (%ENV, %env);
    return server(http => "access_key_redis redis://127.0.0.1:$port node=$name interval=100ms;", state => "$dir/$name/state",
        words => { acme => '', 'beta.press' => '' }, quota => 'access_key_quota requests=100000 per=month;',
        main => join ' ', map { "env $_;" } sort keys %env);
}
set_noon(0);
my %node = map { $_ => node($_) } qw(a b);

# Asks a node, and counts what it lets in.
my %counted;
sub ask {
    my ($name, $id, $n, $day) = @_;
    my ($statuses, $bytes) = get_counted($node{$name}, $n, $id);
    is_deeply($statuses, { 200 => $n }, "$id at node $name on $day") if ($statuses->{200} || 0) != $n;
    $counted{$id}{$day}[0] += $n;
    $counted{$id}{$day}[1] += $bytes;
}

my $program = ($ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$FindBin::Bin/../build") . '/image-gate';
sub billed {
    my %billed;
    for (split /\r\n/, qx($program usage $dir/a/state $dir/b/state --month 2027-01 --days --csv)) {
        my ($id, $day, $requests, $bytes) = split /,/;
        $billed{$id}{$day} = [$requests, $bytes] if $day =~ /^2027-/;
    }
    return \%billed;
}

# What is counted is on the disk a while later. A day ends no sooner: which one a request was of is asked when
# files are saved, of which there are many a day.
sub is_billed {
    my $name = shift;
    my $billed;
    wait_for(10, sub { $billed = billed(); is_same($billed) });
    is_deeply($billed, \%counted, $name);
}
sub is_same { my ($one, $other) = map { JSON::PP->new->canonical->encode($_) =~ tr/"//dr } $_[0], \%counted; return $one eq $other }

for my $number (0 .. 30) {
    set_noon($number);
    my $day = sprintf '2027-01-%02d', $number + 1;
    for my $name (qw(a b)) {
        # As different as days are.
        ask($name, 'acme', 1 + ($number * 7 + ord $name) % 5, $day);
        ask($name, 'beta.press', 1 + $number % 3, $day) if $number % 4;
    }
    wait_for(10, sub { is_same(billed()) });
    my $s = $node{$number % 2 ? 'a' : 'b'};
    $s->signal('HUP') if $number % 5 == 2;
    kill 'KILL', ($s->workers)[0] if $number % 6 == 3;
    wait_for(5, sub { ($s->client->get('/o/small.txt')->{status} || 0) == 401 }) if $number % 5 == 2 || $number % 6 == 3;
    if ($number == 14 || $number == 23) {
        is_billed("until $day");
        # All of it, as if the machine had stopped.
        kill 'KILL', $s->{master}, $s->workers;
        sleep 0.2;
        local %ENV = (%ENV, %env);
        $s->launch;
    }
}
is_billed('the month');
is(scalar keys %{ $counted{acme} }, 31, 'on each day');

# What both let in, each node has heard of by Redis.
set_noon(30);
my $sum = 0;
$sum += $_->[0] for values %{ $counted{acme} };
for my $name (qw(a b)) {
    my $window;
    wait_for(10, sub {
        ($window) = grep { $_->{quantity} eq 'requests' && $_->{per} eq 'month' } @{ partner($node{$name}, 'acme')->{windows} };
        return $window->{used} + $window->{remote} == $sum;
    });
    is($window->{used} + $window->{remote}, $sum, "node $name - the month of both");
}
set_noon(31);
ask('a', 'acme', 1, '2027-02-01');
delete $counted{acme}{'2027-02-01'};
is_billed('February is not January');
for my $name (qw(a b)) {
    is(join('', grep { !/exited on signal 9/ } $node{$name}->trouble), '', "node $name - nothing bad in the log");
}
$_->stop for values %node;

done_testing();
