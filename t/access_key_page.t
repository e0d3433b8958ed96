# The page of access_key_status in a browser: that it shows what the JSON says, in light, in dark
# and on a phone, that it follows, and that it can be used without a mouse.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use File::Temp ();
use POSIX ();
use Test::More;

use ImageGate::Browser;
use ImageGate::Exports qw(server status partner get_many wait_for write_file);
use ImageGate::Server;

my $s = server(
    quota => 'access_key_quota requests=50 per=hour;',
    locations => 'access_log logs/access.log combined;',
);
get_many($s, 40, 'acme');
get_many($s, 5, 'acme', 'large.txt');
get_many($s, 20, 'beta.press', 'large.txt');
get_many($s, 8, 'acme');
ok(wait_for(5, sub { partner($s, 'acme')->{refused} == 3 }), 'there is something to show');
ok(wait_for(30, sub {
    my $requests = partner($s, 'acme', 'history=5m')->{history}{requests};
    return (grep { $_ } @$requests) && 3 <= grep { defined } @$requests;
}), 'and a history of it');

my $b = ImageGate::Browser->start;

sub url { "http://127.0.0.1:$s->{port}$_[0]" }

# Opens the page and waits for its first numbers.
sub open_page {
    my ($name, %o) = @_;
    $b->show(%o);
    $b->go(url($o{path} || '/page'));
    ok($b->wait_for(20, 'return document.querySelectorAll("tr[data-partner]").length === 3'), "$name - shows three partners");
}

sub cell { my ($id, $column) = @_; return qq{tr[data-partner="$id"] [data-column="$column"]} }

sub value { my ($id, $column) = @_; return $b->run('return document.querySelector(arguments[0]).dataset.value', cell($id, $column)) }

# All cells of the table against the JSON.
sub same_numbers {
    my $name = shift;
    for my $p (@{ status($s)->{zones}[0]{partners} }) {
        my %expected = (requests => $p->{requests}, bytes_sent => $p->{bytes_sent}, refused => $p->{refused},
                        errors => $p->{responses}{'4xx'} + $p->{responses}{'5xx'}, last => $p->{last_use} || 0);
        is(value($p->{id}, $_), $expected{$_}, "$name - $_ of $p->{id}") for sort keys %expected;
        my ($hour) = grep { $_->{quantity} eq 'requests' && $_->{per} eq 'hour' } @{ $p->{windows} };
        is(value($p->{id}, 'quota'), $hour ? $hour->{used} + $hour->{remote} : '', "$name - the quota of $p->{id}");
    }
}

for my $look (['light', width => 1280, height => 900, scheme => 'light'],
              ['dark', width => 1280, height => 900, scheme => 'dark'],
              ['a phone', width => 390, height => 844, scheme => 'light'],
              ['a phone in the dark', width => 390, height => 844, scheme => 'dark']) {
    my ($name, %o) = @$look;
    open_page($name, %o);
    same_numbers($name);
    is($b->run('return document.querySelector("[data-tile=requests]").dataset.value'), 73, "$name - the sum of requests");
    is($b->run('return document.documentElement.scrollWidth'), $o{width}, "$name - nothing sticks out");
    is($b->run('const s = document.querySelector(".scroll"); return s.scrollWidth - s.clientWidth'), 0, "$name - nor does the table");

    my ($ink, $paper) = @{ $b->run(<<'E_') };
        const light = color => { const [r, g, b] = color.match(/[\d.]+/g).map(n => { n /= 255; return n <= .04045 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4 });
            return .2126 * r + .7152 * g + .0722 * b };
        const style = getComputedStyle(document.body);
        return [light(style.color), light(style.backgroundColor)];
E_
    my ($bright, $dim) = $ink > $paper ? ($ink, $paper) : ($paper, $ink);
    cmp_ok(($bright + .05) / ($dim + .05), '>', 7, "$name - is easy to read");
    is($paper > $ink ? 'light' : 'dark', $o{scheme}, "$name - as the visitor likes it");

    my $lines = $b->run('return [...document.querySelectorAll("#plot-requests .series")].map(s => [s.dataset.partner, s.getTotalLength()])');
    is_deeply([sort map { $_->[0] } @$lines], [qw(acme beta.press gone)], "$name - a line for each partner");
    my %length = map { @$_ } @$lines;
    cmp_ok($length{acme}, '>', $length{gone}, "$name - that goes up where there was something");
    is_deeply([$b->console], [], "$name - no complaint in the console");
}

{
    my $name = 'live';
    open_page($name, width => 1280, height => 900, scheme => 'light');
    get_many($s, 6, 'beta.press');
    ok($b->wait_for(15, 'return document.querySelector(arguments[0]).dataset.value === "26"', cell('beta.press', 'requests')),
        "$name - new requests appear by themselves");
    like($b->run('return document.querySelector("#live").textContent'), qr/^live, \d\d:\d\d:\d\d$/, "$name - and the page says so");
    $b->click('#pause');
    is($b->run('return document.querySelector("#pause").textContent'), 'Resume', "$name - pause");
    like($b->run('return document.querySelector("#live").textContent'), qr/^paused at/, "$name - is told");
    get_many($s, 1, 'beta.press');
    wait_for(5, sub { partner($s, 'beta.press')->{requests} == 27 });
    is(value('beta.press', 'requests'), 26, "$name - nothing changes");
    $b->click('#pause');
    ok($b->wait_for(15, 'return document.querySelector(arguments[0]).dataset.value === "27"', cell('beta.press', 'requests')), "$name - until it goes on");
    same_numbers($name);
    $b->click('[data-history="1h"]');
    ok($b->wait_for(10, 'return /the last 1 h\./.test(document.querySelector("#plot-requests").getAttribute("aria-label"))'), "$name - an hour instead");
    $b->click('[data-history="5m"]');
}

sub order { return join ' ', @{ $b->run('return [...document.querySelectorAll("tr[data-partner]")].map(r => r.dataset.partner)') } }

# The order comes with the next numbers.
sub is_order {
    my ($expected, $name) = @_;
    wait_for(10, sub { order() eq $expected });
    is(order(), $expected, $name);
}

{
    my $name = 'clicks';
    is_order('acme beta.press gone', "$name - the busiest first");
    $b->click('th[data-column=bytes_sent] button');
    is_order('beta.press acme gone', "$name - by bytes");
    is($b->run('return document.querySelector("th[data-column=bytes_sent]").getAttribute("aria-sort")'), 'descending', "$name - said to those who can't see it");
    $b->click('th[data-column=bytes_sent] button');
    is_order('gone acme beta.press', "$name - the other way round");
    $b->click('th[data-column=id] button');
    is_order('acme beta.press gone', "$name - by name");
    $b->type('#filter', 'PRESS');
    is_order('beta.press', "$name - filtered");
    $b->run('const f = document.querySelector("#filter"); f.value = ""; f.dispatchEvent(new Event("input"))');
    is_order('acme beta.press gone', "$name - and all again");

    $b->click('tr[data-partner="acme"] th button');
    my $detail = $b->run('return document.querySelector("tr.detail:not([hidden])").textContent');
    like($detail, qr/requests per hour50 of 50/, "$name - a partner's quota");
    like($detail, qr/refused by quota3/, "$name - what was refused");
    is($b->run('return document.querySelector("#plot-requests .series:not(.faded)").dataset.partner'), 'acme', "$name - and its line alone");
    is($b->run('return document.querySelectorAll("#plot-bytes .faded").length'), 2, "$name - in both plots");
    $b->click('tr[data-partner="acme"] th button');
    is($b->run('return document.querySelectorAll("tr.detail:not([hidden])").length'), 0, "$name - and away again");
    $b->click('#legend button[data-partner="beta.press"]');
    is($b->run('return document.querySelector("#legend [aria-pressed=true]").textContent'), 'beta.press', "$name - the legend does the same");
    $b->click('#legend button[data-partner="beta.press"]');
}

{
    my $name = 'keys';
    open_page($name, width => 1280, height => 900, scheme => 'light');
    my @stops;
    for (1 .. 30) {
        $b->press('Tab');
        push @stops, $b->run('const e = document.activeElement; return e === document.body ? "" : e.id || e.textContent');
        last if $stops[-1] eq 'gone' && @stops > 10;
    }
    my $stops = join '|', @stops;
    like($stops, qr/5 min\|1 hour\|pause\|plot-requests\|plot-bytes\|acme\|beta\.press\|gone\|filter\|Partner\|/, "$name - Tab goes everywhere in order");
    $b->run('document.querySelector("#plot-requests").focus()');
    $b->press('ArrowLeft', 'ArrowLeft');
    my $tip = $b->run('return document.querySelector(".tip:not([hidden])").textContent');
    like($tip, qr{acme.*/s}, "$name - arrows read the plot");
    ok($b->run('return document.querySelector(".tip").getBoundingClientRect().right <= innerWidth'), "$name - within the window");
    $b->press('Escape');
    is($b->run('return document.querySelectorAll(".tip:not([hidden])").length'), 0, "$name - Escape ends that");
    $b->run('document.querySelector(arguments[0]).focus()', 'tr[data-partner="gone"] th button');
    $b->press('Enter');
    is($b->run('return document.activeElement.getAttribute("aria-expanded")'), 'true', "$name - Enter opens a partner");
    ok($b->wait_for(10, 'const now = document.querySelector("#live").textContent; const then = window.then ??= now; return now !== then'), "$name - the page goes on");
    is($b->run('return document.activeElement.textContent'), 'gonedisabled', "$name - without taking the focus away");
    my $outline = $b->run('return getComputedStyle(document.activeElement).outlineStyle');
    is($outline, 'solid', "$name - which can be seen");
}

{
    my $name = 'nginx is gone';
    $s->stop;
    ok($b->wait_for(30, 'return document.querySelector("#live").dataset.state === "lost"'), "$name - is told");
    is(value('acme', 'requests'), 53, "$name - the last numbers stay");
    $s->start(ImageGate::Exports::locations($s, ''));
    ok($b->wait_for(40, 'return document.querySelector("#live").dataset.state === "live"'), "$name - until it is back");
}

{
    my $name = 'requests';
    my $log = do { local (@ARGV, $/) = "$s->{dir}/logs/access.log"; <> };
    my @asked = $log =~ m{"GET (\S+) HTTP.*Chrome}g;
    my @other = grep { !m{^/page(?:\?format=json&history=(?:1h|5m)&page=1&limit=25&sort=-?\w+(?:&filter=press)?(?:&since=\d+)?)?$} } @asked;
    @other = grep { !m{^/page\?format=json&month=\d{4}-\d\d&page=1&limit=25&sort=-bytes_sent(?:&filter=press)?$} } @other;
    is_deeply(\@other, [], "$name - the page and its numbers, nothing else");
    cmp_ok(scalar(grep { /since=/ } @asked), '>', 2, "$name - mostly what changed");
}

# Many partners with long names, on a phone.
{
    my $name = 'many partners on a phone';
    # What was said while nginx was gone.
    $b->console;
    my $count = 1000;
    my @ids = map { sprintf 'partner-with-a-long-name-%s-%04d', 'x' x 34, $_ } 1 .. $count;
    my $many = ImageGate::Server->new;
    write_file("$many->{dir}/keys", join '', map { "$_ sha256:" . sha256_hex("KEY-$_") . " requests=10/hour\n" } @ids);
    write_file("$many->{dir}/small.txt", 'x' x 100);
    $many->{http} = "access_key_zone p 8m; access_key_file p $many->{dir}/keys;";
    $many->start(qq{
        location /o/ { access_key zone=p from=arg:key; alias $many->{dir}/; }
        location = /page { access_key_status html; gzip on; gzip_types application/json; }
    });
    $many->client->get("/o/small.txt?key=KEY-$ids[$_]") for 700, 700, 700, 3;
    my $page = "http://127.0.0.1:$many->{port}/page";
    my $query = '?format=json&history=5m&page=1&limit=25&sort=-requests';
    my $plain = $many->client->get("/page$query");
    cmp_ok(length $plain->{body}, '<', 60_000, "$name - a page has few bytes");
    my $packed = $many->client->get("/page$query", 'Accept-Encoding' => 'gzip');
    is($packed->{h}{'content-encoding'}, 'gzip', "$name - goes out compressed");
    cmp_ok(length $packed->{body}, '<', 6_000, "$name - with fewer bytes still");
    my $since = $many->client->get("/page$query&since=" . (time + 5));
    cmp_ok(length $since->{body}, '<', length($plain->{body}) / 2, "$name - and fewer where nothing changed");

    $b->show(width => 390, height => 844, scheme => 'light');
    $b->go($page);
    ok($b->wait_for(20, 'return document.querySelectorAll("tr[data-partner]").length === 25'), "$name - some of them are there");
    cmp_ok($b->run('return document.documentElement.scrollHeight'), '<', 4000, "$name - so that the end can be reached");
    is($b->run('return document.documentElement.scrollWidth'), 390, "$name - nothing sticks out");
    is($b->run('const s = document.querySelector(".scroll"); return s.scrollWidth - s.clientWidth'), 0, "$name - nor does the table");
    is($b->run('const l = document.querySelector("#legend"); return l.scrollWidth - l.clientWidth'), 0, "$name - nor the legend");
    is($b->run('return document.querySelector("tr[data-partner]").dataset.partner'), $ids[700], "$name - the busiest first");
    like($b->run('return document.querySelector("#where").textContent'), qr/^Page 1 of 40$/, "$name - of all pages");

    my $quota = 'return document.querySelector("tr[data-partner] [data-column=quota]").getBoundingClientRect().width';
    my $before = $b->run($quota);
    cmp_ok($before, '>', 60, "$name - the quota can be read");
    $b->click('tr[data-partner] th button');
    ok($b->wait_for(10, 'return document.querySelector("tr.detail:not([hidden])") !== null'), "$name - a partner opens");
    cmp_ok(abs($b->run($quota) - $before), '<', 2, "$name - and takes the quota no room");
    is($b->run('return document.documentElement.scrollWidth'), 390, "$name - still nothing sticks out");
    is($b->run('const s = document.querySelector(".scroll"); return s.scrollWidth - s.clientWidth'), 0, "$name - nor does the table");

    $b->click('#after');
    ok($b->wait_for(10, 'return document.querySelector("#where").textContent === "Page 2 of 40"'), "$name - the next page");
    is($b->run('return document.querySelectorAll("tr[data-partner]").length'), 25, "$name - with as many");
    $b->type('#filter', '-0042');
    ok($b->wait_for(10, 'return document.querySelectorAll("tr[data-partner]").length === 1'), "$name - one by its name");
    is($b->run('return document.querySelector("tr[data-partner]").dataset.partner'), $ids[41], "$name - from another page");
    is_deeply([$b->console], [], "$name - no complaint in the console");
    $many->stop;
}

{
    my $name = 'months';
    my $folder = File::Temp::tempdir(CLEANUP => 1);
    my $own = server(state => "$folder/state", quota => 'access_key_quota requests=10 per=month; access_key_alert 50% 80%;');
    get_many($own, 9, 'acme');
    get_many($own, 3, 'beta.press', 'large.txt');
    my $month = POSIX::strftime('%Y-%m', gmtime);
    my $found = sub { status($own, "month=$month")->{zones}[0]{month} };
    ok(wait_for(10, sub { $found->()->{requests} == 12 }), "$name - are in the state file");
    my %row = map { $_->{id} => $_ } @{ $found->()->{partners} };
    $b->show(width => 390, height => 844, scheme => 'dark');
    $b->go("http://127.0.0.1:$own->{port}/page");
    # What there was before has stopped.
    $b->console;
    ok($b->wait_for(20, 'return document.querySelectorAll("tr[data-month]").length === 2'), "$name - partners of the month");
    is_deeply($b->run('return [...document.querySelectorAll("tr[data-month]")].map(r => [r.dataset.month, ...[...r.children].slice(1).map(c => c.title.replaceAll(",", ""))])'),
        [map { [$_, "$row{$_}{requests}", "$row{$_}{bytes_sent}"] } 'beta.press', 'acme'], "$name - with what the JSON says, the largest first");
    is($b->run('return document.querySelector("tr[data-partner=acme] .alert:not([hidden])").textContent'), '80%', "$name - an alert has a mark");
    is($b->run('return document.querySelectorAll("tr[data-partner] .alert:not([hidden])").length'), 1, "$name - and only that");
    is($b->run('return document.documentElement.scrollWidth'), 390, "$name - nothing sticks out");
    my $csv = $own->client->get($b->run('const u = new URL(document.querySelector("#csv").href); return u.pathname + u.search'));
    is_deeply([@{ $csv->{h} }{qw(content-type content-disposition)}], ['text/csv; charset=utf-8; header=present', 'attachment; filename="usage.csv"'],
        "$name - a file for other programs");
    is($csv->{body}, join("\r\n", 'zone,partner,month,requests,bytes', (map { "partners,$_,$month,$row{$_}{requests},$row{$_}{bytes_sent}" } sort keys %row), ''),
        "$name - with the same numbers");
    $b->click('tr[data-month="beta.press"] a');
    ok($b->wait_for(10, 'return document.querySelectorAll("#one:not([hidden]) tr[data-of-month]").length === 1'), "$name - a partner's own page");
    like($b->run('return document.querySelector("#one").textContent'), qr/beta\.press.*requests per month3 of 10.*Requests a day, at most 3/s, "$name - has its quotas and days");
    is($b->run('return document.querySelectorAll("#all:not([hidden]), #by-month:not([hidden])").length'), 0, "$name - and nothing of others");
    is($b->run('return document.documentElement.scrollWidth'), 390, "$name - nothing sticks out there");
    $b->click('#one a.button');
    ok($b->wait_for(10, 'return document.querySelector("#one").hidden'), "$name - and back to all");
    is_deeply([$b->console], [], "$name - no complaint in the console");
    $own->stop;
}

$b->stop;
done_testing();
