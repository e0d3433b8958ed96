# access_key_status: the same numbers as JSON, as metrics and as a page, and that they are those
# that the client counted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use IPC::Run ();
use JSON::PP ();
use Test::More;

use ImageGate::Exports qw(server status partner get_many get_counted wait_for write_file);

my $s = server(
    quota => 'access_key_quota requests=1000 per=day; access_key_quota bytes=1m per=hour;',
    words => { 'beta.press' => 'requests=5/day' },
    locations => qq{
        location = /gzip { access_key_status json; gzip on; gzip_types application/json; gzip_min_length 1; }
        location = /one { access_key_status json zone=partners; }
        location = /protected { access_key_status json; deny all; }
    },
);

# The value of a metric with those labels.
sub metric {
    my ($text, $name, %labels) = @_;
    for my $line (split /\n/, $text) {
        my ($found, $value) = $line =~ /^\Q$name\E\{(.*)\} (\S+)$/ or next;
        my %found = $found =~ /(\w+)="((?:[^"\\]|\\.)*)"/g;
        return $value if !grep { ($found{$_} // '') ne $labels{$_} } keys %labels;
    }
    return undef;
}

{
    my $name = 'before anything happened';
    my ($zone) = @{ status($s)->{zones} };
    is($zone->{zone}, 'partners', "$name - the zone");
    like($zone->{node}, qr/^[\w.-]+$/, "$name - the node is this machine");
    cmp_ok(abs($zone->{time} - time), '<=', 5, "$name - the time");
    is_deeply([map { $_->{id} } @{ $zone->{partners} }], [qw(acme beta.press gone)], "$name - the partners");
    is_deeply([map { $_->{disabled} ? 1 : 0 } @{ $zone->{partners} }], [0, 0, 1], "$name - who is disabled");
    is($_->{requests}, 0, "$name - $_->{id} took nothing") for @{ $zone->{partners} };
    is($zone->{partners}[0]{last_use}, undef, "$name - never used");
}

my ($sent, $time) = (0, time);
{
    my $name = 'counts';
    my ($statuses, $bytes) = get_counted($s, 10, 'acme');
    is_deeply($statuses, { 200 => 10 }, "$name - the client got ten");
    $sent += $bytes;
    ($statuses, $bytes) = get_counted($s, 3, 'acme', 'none.txt');
    is_deeply($statuses, { 404 => 3 }, "$name - and three errors");
    $sent += $bytes;
    $statuses = get_many($s, 8, 'beta.press');
    is_deeply($statuses, { 200 => 5, 429 => 3 }, "$name - the other was over his quota three times");
    get_many($s, 2, 'gone');
    get_many($s, 4, 'stranger');

    # The last request is counted after its answer.
    my $acme = wait_for(5, sub { my $p = partner($s, 'acme'); $p->{requests} == 13 && $p }) || partner($s, 'acme');
    is($acme->{requests}, 13, "$name - requests");
    is_deeply($acme->{responses}, { '1xx' => 0, '2xx' => 10, '3xx' => 0, '4xx' => 3, '5xx' => 0 }, "$name - responses");
    is($acme->{bytes_sent}, $sent, "$name - bytes as the client counted them");
    cmp_ok($acme->{bytes_received}, '>', 13 * 40, "$name - bytes received");
    cmp_ok($acme->{first_use}, '>=', $time - 1, "$name - first use");
    cmp_ok($acme->{last_use}, '>=', $acme->{first_use}, "$name - last use");
    my %windows = map { ("$_->{quantity}/$_->{per}" => $_) } @{ $acme->{windows} };
    my ($day, $hour) = @windows{'requests/day', 'bytes/hour'};
    is_deeply([@$day{qw(limit used remote remaining)}], [1000, 13, 0, 987], "$name - the window of the day");
    is_deeply([@$hour{qw(limit used remaining)}], [1 << 20, $sent, (1 << 20) - $sent], "$name - the window of bytes");
    is($day->{end} - $day->{start}, 86400, "$name - a day is a day");
    cmp_ok($day->{start}, '<=', time, "$name - which has begun");

    my $beta = wait_for(5, sub { my $p = partner($s, 'beta.press'); $p->{refused} == 3 && $p });
    is($beta && $beta->{requests}, 8, "$name - refusals are requests, too");
    my ($own) = grep { $_->{quantity} eq 'requests' && $_->{per} eq 'day' } @{ $beta->{windows} };
    is_deeply([@$own{qw(limit used remaining)}], [5, 5, 0], "$name - a limit of the partner's own");
}

my $metrics = $s->client->get('/metrics');
{
    my $name = 'prometheus';
    is($metrics->{h}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', "$name - type");
    my @promtool = ('promtool', 'check', 'metrics');
    my ($out, $problems) = ('', '');
    IPC::Run::run(\@promtool, \$metrics->{body}, \$out, \$problems);
    is($? >> 8, 0, "$name - promtool takes it");
    is($problems, '', "$name - and finds nothing to mend");
    IPC::Run::run(\@promtool, \"$metrics->{body}broken {", \$out, \$problems);
    isnt($? >> 8, 0, "$name - which it would");

    my $text = $metrics->{body};
    for my $partner (@{ status($s)->{zones}[0]{partners} }) {
        my $id = $partner->{id};
        my %of = (zone => 'partners', partner => $id);
        is(metric($text, 'nginx_image_gate_access_key_requests_total', %of), $partner->{requests}, "$name - requests of $id");
        is(metric($text, 'nginx_image_gate_access_key_sent_bytes_total', %of), $partner->{bytes_sent}, "$name - bytes of $id");
        is(metric($text, 'nginx_image_gate_access_key_responses_total', %of, code => '4xx'), $partner->{responses}{'4xx'},
            "$name - responses to $id");
        is(metric($text, 'nginx_image_gate_access_key_refused_requests_total', %of), $partner->{refused}, "$name - refusals of $id");
        is(metric($text, 'nginx_image_gate_access_key_disabled', %of), $partner->{disabled} ? 1 : 0, "$name - whether $id is disabled");
    }
    my %acme = (zone => 'partners', partner => 'acme');
    is(metric($text, 'nginx_image_gate_access_key_quota_limit_requests', %acme, per => 'day'), 1000, "$name - a limit");
    is(metric($text, 'nginx_image_gate_access_key_quota_used_requests', %acme, per => 'day'), 13, "$name - what is used of it");
    is(metric($text, 'nginx_image_gate_access_key_quota_used_bytes', %acme, per => 'hour'), $sent, "$name - and of the other");
    my %partners = map { ($_ => 1) } $text =~ /partner="([^"]*)"/g;
    is_deeply([sort keys %partners], [qw(acme beta.press gone)], "$name - a stranger makes no label");
}

{
    my $name = 'the dashboard';
    open my $in, '<', "$FindBin::Bin/../examples/grafana/access-key.json" or die $!;
    my $dashboard = JSON::PP::decode_json(do { local $/; <$in> });
    my @expressions = map { $_->{expr} } map { @{ $_->{targets} || [] } } @{ $dashboard->{panels} };
    cmp_ok(scalar @expressions, '>=', 6, "$name - has something to show");
    my @asked = map { /(nginx_\w+)/g } @expressions, map { ref $_->{query} ? $_->{query}{query} : $_->{query} || () }
        @{ $dashboard->{templating}{list} };
    my %there = map { ($_ => 1) } $metrics->{body} =~ /^# TYPE (\w+)/mg;
    # The alert rules' as well; there is no Redis here, and so no metric of it.
    open $in, '<', "$FindBin::Bin/../examples/prometheus/alerts.yml" or die $!;
    push @asked, grep { !/_redis_ok$/ } do { local $/; <$in> } =~ /\b(nginx_image_gate_(?!image_)\w+)/g;
    ok($there{$_}, "$name - $_ exists") for do { my %seen; grep { !$seen{$_}++ } @asked };
}

{
    my $name = 'formats';
    for my $row (['/status', 'application/json'], ['/metrics', 'text/plain'], ['/page', 'text/html']) {
        my ($uri, $type) = @$row;
        my $c = $s->client;
        my $r = $c->get($uri);
        is($r->{status}, 200, "$name - $uri");
        like($r->{h}{'content-type'}, qr/^\Q$type\E/, "$name - type of $uri");
        is($r->{h}{'cache-control'}, 'no-store', "$name - $uri is not kept");
        my $head = $c->head($uri);
        is("$head->{status} $head->{body}", '200 ', "$name - HEAD $uri");
        is($head->{h}{'content-length'}, length $r->{body}, "$name - with the length of $uri") if $uri eq '/page';
        is($c->request('POST', $uri, 'Content-Length' => 0)->{status}, 405, "$name - POST $uri");
        like($c->get("$uri?format=json&a=b")->{body}, qr/^\{"zones":/, "$name - $uri as JSON");
        like($c->get("$uri?format=prometheus")->{body}, qr/^# HELP/, "$name - $uri as metrics");
        like($c->get("$uri?format=html")->{body}, qr/^<!doctype html>/, "$name - $uri as a page");
        is($c->get("$uri?format=xml")->{status}, 400, "$name - $uri as what there is not");
        is($c->get("$uri?history=1y")->{status}, 400, "$name - $uri over a year");
    }
    my $body = '1234';
    my $c = $s->client;
    $c->send_raw("GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n$body");
    is($c->recv->{status}, 200, "$name - a body is read over");
    is($c->get('/status')->{status}, 200, "$name - and the connection used on");
    is($s->client->get('/gzip', 'Accept-Encoding' => 'gzip')->{h}{'content-encoding'}, 'gzip', "$name - other filters work");
    is(JSON::PP::decode_json($s->client->get('/one')->{body})->{zones}[0]{zone}, 'partners', "$name - a zone by name");
    is($s->client->get('/protected')->{status}, 403, "$name - access rules hold");
}

{
    my $name = 'the page';
    my $r = $s->client->get('/page');
    my $policy = $r->{h}{'content-security-policy'};
    like($policy, qr/default-src 'none'/, "$name - may load nothing");
    my @outside = $r->{body} =~ m{((?:src|href|url|import)\s*[=(]\s*["']?(?:https?:)?//[^"')\s]+)}g;
    is_deeply(\@outside, [], "$name - and wants to load nothing");
    like($r->{body}, qr{<style>\n.*</style>.*<script>\n.*</script>}s, "$name - is one file");
    unlike($r->{body}, qr{page\.(?:css|js)}, "$name - all of it");
    unlike($r->{body}, qr{acme|beta}, "$name - holds no data itself");
}

{
    my $name = 'history';
    my $taken = wait_for(20, sub {
        my $zone = status($s, 'history=5m')->{zones}[0];
        my $sum = 0;
        $sum += $_ || 0 for @{ $zone->{partners}[0]{history}{requests} };
        return $sum >= 13 ? $zone : undef;
    });
    ok($taken, "$name - what was taken gets there") or diag(JSON::PP::encode_json(status($s, 'history=5m')));
    my $history = $taken->{partners}[0]{history};
    is($taken->{history}{step}, 5, "$name - in steps of five seconds");
    is(scalar @{ $history->{$_} }, 60, "$name - sixty of $_") for qw(requests bytes_sent);
    my $bytes = 0;
    $bytes += $_ || 0 for @{ $history->{bytes_sent} };
    is($bytes, $sent, "$name - with all bytes");
    cmp_ok(abs($taken->{history}{end} - time), '<=', 12, "$name - up to now");
    is(status($s, 'history=1h')->{zones}[0]{history}{step}, 60, "$name - or minutes of an hour");
    is(status($s)->{zones}[0]{history}, undef, "$name - only where it is asked for");
}

{
    my $name = 'no key anywhere';
    my $all = join '', map { $s->client->get($_)->{body} } '/status?history=5m', '/metrics', '/page';
    unlike($all, qr/SECRET/, "$name - in what is shown");
    my $digest = sha256_hex('SECRET-ACME');
    unlike($all, qr/\Q$digest\E/, "$name - and no digest");
}

{
    my $name = 'a reload';
    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(20, sub { $s->left($old) }), "$name - new workers");
    my $zone = status($s, 'history=5m')->{zones}[0];
    is($zone->{partners}[0]{requests}, 13, "$name - totals go on");
    my $sum = 0;
    $sum += $_ || 0 for @{ $zone->{partners}[0]{history}{requests} };
    is($sum, 13, "$name - and so does the history");
    get_many($s, 4, 'acme');
    ok(wait_for(20, sub {
        my $now = 0;
        $now += $_ || 0 for @{ partner($s, 'acme', 'history=5m')->{history}{requests} };
        return $now == 17;
    }), "$name - somebody samples on");
}

{
    my $name = 'the worker that samples is killed';
    my @before = $s->workers;
    $s->signal('KILL', $_) for @before;
    ok($s->wait(20, sub { my @now = grep { my $p = $_; !grep { $_ == $p } @before } $s->workers; @now == 2 }),
        "$name - others come");
    get_many($s, 2, 'acme');
    ok(wait_for(20, sub {
        my $now = 0;
        $now += $_ || 0 for @{ partner($s, 'acme', 'history=5m')->{history}{requests} };
        return $now == 19;
    }), "$name - and sample on");
}

my @bad = grep { !/exited on signal 9/ } $s->trouble;
is(join('', @bad), '', 'nothing bad in the log');

{
    my $name = 'bad configurations';
    my $bad = sub {
        my ($text, $message) = @_;
        $s->write_conf("location = /x { $text }");
        my $out = `$s->{nginx} -t -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
        like($out, $message, "$name - $text");
    };
    $bad->('access_key_status;', qr/invalid number of arguments in "access_key_status"/);
    $bad->('access_key_status xml;', qr/"access_key_status" directive: invalid value "xml", it must be json, prometheus or html/);
    $bad->('access_key_status json; access_key_status html;', qr/"access_key_status" directive is duplicate/);
    $bad->('access_key_status json zone=nowhere;', qr/"access_key_status" directive: unknown zone "nowhere"/);
    $bad->('access_key_status json color=red;', qr/"access_key_status" directive: invalid value "color=red", it must be /);
    $bad->('return 200; proxy_pass http://127.0.0.1:1; access_key_status json;', qr/"access_key_status" directive: another directive, such as "proxy_pass", answers/);
    $s->write_conf("access_key_status json;");
    like(`$s->{nginx} -t -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`, qr/"access_key_status" directive is not allowed here/,
        "$name - in a server");
}

done_testing();
