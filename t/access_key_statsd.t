# access_key_statsd: what a real listener gets. Its sums are those of the status.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

use ImageGate::Exports qw(server partner get_many get_counted free_port wait_for);

sub listener {
    my $port = shift || 0;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'udp') or die "udp: $!";
    return $socket;
}

# Takes what comes into %$sums until $done says so; gives the datagrams.
sub receive {
    my ($socket, $sums, $done, $seconds) = @_;
    my @datagrams;
    my $end = time + ($seconds || 10);
    until ($done->()) {
        last if time > $end;
        next if !IO::Select->new($socket)->can_read(0.1);
        defined $socket->recv(my $datagram, 65536) or next;
        push @datagrams, $datagram;
        for (split /\n/, $datagram, -1) {
            /^([\w.-]+):([0-9]+)\|c(?:\|#(.+))?$/ ? ($sums->{ defined $3 ? "$1 $3" : $1 } += $2) : ($sums->{"bad line $_"}++);
        }
    }
    return @datagrams;
}

my $port = free_port();
my $udp = listener($port);

{
    my $name = 'names';
    my $s = server(http => "access_key_statsd 127.0.0.1:$port interval=200ms prefix=img.gate.;", quota => 'access_key_quota requests=30 per=day;');
    my ($statuses, $bytes) = get_counted($s, 25, 'acme');
    is($statuses->{200}, 25, "$name - the client got all");
    get_many($s, 3, 'beta.press', 'none.txt');
    my %sums;
    my @datagrams = receive($udp, \%sums, sub { ($sums{'img.gate.partners.acme.requests'} || 0) >= 25
        && ($sums{'img.gate.partners.beta_press.requests'} || 0) >= 3 && ($sums{'img.gate.partners.acme.bytes_sent'} || 0) >= $bytes });
    is($sums{'img.gate.partners.acme.requests'}, 25, "$name - requests");
    is($sums{'img.gate.partners.acme.responses.2xx'}, 25, "$name - responses by class");
    is($sums{'img.gate.partners.acme.bytes_sent'}, $bytes, "$name - bytes as the client counted them");
    is($sums{'img.gate.partners.beta_press.responses.4xx'}, 3, "$name - a dot in a name would be a level");
    ok(!(grep { /^bad line/ } keys %sums), "$name - every line is a counter") or diag(join "\n", keys %sums);
    ok(!(grep { length > 1432 } @datagrams), "$name - datagrams fit");
    unlike(join("\n", @datagrams), qr/SECRET|sha256/, "$name - and hold no key");

    receive($udp, \%sums, sub { 0 }, 0.6);
    is($sums{'img.gate.partners.acme.requests'}, 25, "$name - nothing is sent twice");

    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - a reload");
    get_many($s, 10, 'acme');
    receive($udp, \%sums, sub { ($sums{'img.gate.partners.acme.refused'} || 0) >= 5 });
    is($sums{'img.gate.partners.acme.requests'}, 35, "$name - goes on where it was");
    is($sums{'img.gate.partners.acme.refused'}, 5, "$name - with refusals");

    my @before = $s->workers;
    $s->signal('KILL', $_) for @before;
    $s->wait(20, sub { my @now = grep { my $p = $_; !grep { $_ == $p } @before } $s->workers; @now == 2 });
    get_many($s, 2, 'beta.press');
    receive($udp, \%sums, sub { ($sums{'img.gate.partners.beta_press.requests'} || 0) >= 5 });
    is($sums{'img.gate.partners.beta_press.requests'}, 5, "$name - and after all workers were killed");

    # What is counted right before the end goes out, too.
    get_many($s, 3, 'beta.press');
    $s->stop;
    receive($udp, \%sums, sub { ($sums{'img.gate.partners.beta_press.requests'} || 0) >= 8 }, 5);
    is($sums{'img.gate.partners.beta_press.requests'}, 8, "$name - and before the end");
    my @bad = grep { !/exited on signal 9/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing bad in the log");
}

{
    my $name = 'a reload while a client is slow';
    my $slow = 'location /slow/ { access_key zone=partners from=arg:key; limit_rate 1k; alias %s/files/; }';
    my $s = server(http => "access_key_statsd 127.0.0.1:$port interval=200ms prefix=before;", workers => 1);
    my $locations = ImageGate::Exports::locations($s, '') . sprintf $slow, $s->{dir};
    my $reload = sub {
        my $old = $s->worker;
        $s->write_conf($locations);
        $s->signal('HUP');
        $s->wait(20, sub { $s->left($old) });
        return $old;
    };
    $reload->();
    my $c = $s->client(rcvbuf => 4096);
    $c->send('GET', '/slow/large.txt?key=SECRET-ACME');
    ok($c->readable(10), "$name - he is being served");
    my %sums;
    get_many($s, 1, 'beta.press');
    receive($udp, \%sums, sub { $sums{'before.partners.beta_press.requests'} });
    is($sums{'before.partners.beta_press.requests'}, 1, "$name - by a worker that exports");
    $s->{http} =~ s/prefix=before/prefix=after/;
    my $old = $reload->();
    # For a moment the old one still sends.
    my $asked = 1;
    ok(wait_for(15, sub {
        $asked += get_many($s, 1, 'beta.press')->{200};
        receive($udp, \%sums, sub { 0 }, 0.3);
        return $sums{'after.partners.beta_press.requests'};
    }), "$name - the new worker takes over from the old one");
    receive($udp, \%sums, sub { 0 }, 0.5);
    is($sums{'before.partners.beta_press.requests'} + $sums{'after.partners.beta_press.requests'}, $asked, "$name - without a gap");
    ok(kill(0, $old), "$name - which still serves him");
    $c->close;
    ok($s->wait(20, sub { !kill 0, $old }), "$name - and then goes");
    receive($udp, \%sums, sub { $sums{'after.partners.acme.requests'} });
    is($sums{'after.partners.acme.requests'}, 1, "$name - what he took is sent, too");
}

{
    my $name = 'tags';
    my $s = server(http => "access_key_statsd localhost:$port interval=200ms tags=dogstatsd;");
    get_many($s, 4, 'beta.press');
    get_many($s, 2, 'beta.press', 'none.txt');
    my %sums;
    receive($udp, \%sums, sub { ($sums{'access_key.requests zone:partners,partner:beta.press'} || 0) >= 6 });
    is($sums{'access_key.requests zone:partners,partner:beta.press'}, 6, "$name - requests");
    is($sums{'access_key.responses zone:partners,partner:beta.press,class:2xx'}, 4, "$name - a class");
    is($sums{'access_key.responses zone:partners,partner:beta.press,class:4xx'}, 2, "$name - another");
}

{
    my $name = 'nobody listens';
    my $later = free_port();
    my $s = server(http => "access_key_statsd 127.0.0.1:$later interval=200ms;");
    # The first datagram leaves before anybody can know; what comes after is kept.
    get_many($s, 1, 'gone');
    get_many($s, 1, 'acme');
    ok(wait_for(10, sub { get_many($s, 1, 'acme'); $s->log =~ /access_key: statsd does not work: 127\.0\.0\.1:$later/ }),
        "$name - is logged");
    is(() = ($s->log =~ /statsd does not work/g), 1, "$name - once");
    my $late = listener($later);
    my %sums;
    receive($late, \%sums, sub { $sums{'access_key.partners.acme.requests'} }, 10);
    my $before = $sums{'access_key.partners.acme.requests'} || 0;
    get_many($s, 7, 'acme');
    receive($late, \%sums, sub { ($sums{'access_key.partners.acme.requests'} || 0) >= $before + 7 });
    is($sums{'access_key.partners.acme.requests'}, $before + 7, "$name - and works when somebody does");
    like($s->log, qr/access_key: statsd works again/, "$name - which is logged");
}

{
    my $name = 'a restart';
    my $state = "/tmp/image-gate-state-$$";
    my $conf = "access_key_statsd 127.0.0.1:$port interval=200ms;";
    my $s = server(http => $conf, state => $state);
    get_many($s, 5, 'acme');
    my %sums;
    receive($udp, \%sums, sub { ($sums{'access_key.partners.acme.requests'} || 0) >= 5 });
    $s->stop;
    $s = server(http => $conf, state => $state);
    is(partner($s, 'acme')->{requests}, 5, "$name - the totals are kept");
    get_many($s, 1, 'acme');
    receive($udp, \%sums, sub { ($sums{'access_key.partners.acme.requests'} || 0) >= 6 });
    receive($udp, \%sums, sub { 0 }, 0.5);
    is($sums{'access_key.partners.acme.requests'}, 6, "$name - and not sent again");
    $s->stop;
    unlink glob "$state*";
}

{
    my $name = 'bad configurations';
    my $s = server();
    my $bad = sub {
        my ($text, $message) = @_;
        local $s->{http} = "$s->{http} $text";
        $s->write_conf('');
        like(`$s->{nginx} -t -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`, qr/"access_key_statsd" directive$message/, "$name - $text");
    };
    $bad->('access_key_statsd localhost;', qr/: invalid value "localhost", it must be HOST:PORT/);
    $bad->('access_key_statsd localhost:0;', qr/: invalid value/);
    $bad->('access_key_statsd :8125;', qr/: invalid value/);
    $bad->('access_key_statsd a:1 interval=0;', qr/: invalid value "0", it must be a time of at least 100ms/);
    $bad->('access_key_statsd a:1 prefix=a:b;', qr/: invalid value "a:b"/);
    $bad->('access_key_statsd a:1 tags=influx;', qr/: invalid value "influx", it must be dogstatsd/);
    $bad->('access_key_statsd a:1 color=red;', qr/: invalid value "color=red", it must be /);
    $bad->('access_key_statsd a:1; access_key_statsd b:1;', qr/ is duplicate/);
    $bad->('server { access_key_statsd a:1; }', qr/ is not allowed here/);
}

done_testing();
