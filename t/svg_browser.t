# What Chromium makes of documents that mean harm: as they come many run or load something, as they are sanitized none does,
# and that without the header that would keep it from it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename);
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Browser;
use ImageGate::Fixtures qw(slurp);
use ImageGate::Server;

my $files = "$FindBin::Bin/data/hostile-svgs";
my @names = map { basename($_) } sort glob "$files/*.svg";
my @made = grep { !/^refused-/ } @names;

# Whatever is loaded from elsewhere comes here.
my $s = ImageGate::Server->new(http => 'types { image/svg+xml svg; text/html html; } log_format asked "$host $uri";
    map $host $is_elsewhere { hostile.test 1; default 0; }');
mkdir "$s->{dir}/files";
my $page = "$s->{dir}/files/page.html";
open my $out, '>', $page or die $!;
print $out "<!doctype html><title>frames</title><body>\n";
close $out;
$s->start("access_log $s->{dir}/logs/asked.log asked if=\$is_elsewhere;
    location / { root $s->{dir}/files; if (\$is_elsewhere) { return 204; } }
    location /raw/ { alias $files/; }
    location /sane/ { image_resize convert; image_resize_pass svg=sanitized; alias $files/; }
    location /bare/ { proxy_pass http://127.0.0.1:$s->{port}/sane/; proxy_hide_header Content-Security-Policy; }");

my $b = ImageGate::Browser->start("--host-resolver-rules=MAP hostile.test 127.0.0.1:$s->{port}");
my $base = "http://127.0.0.1:$s->{port}";

# The names in what is asked for elsewhere while documents are shown, each in a frame, and their links clicked.
sub asked {
    my ($at, @names) = @_;
    my $log = "$s->{dir}/logs/asked.log";
    my $before = -s $log || 0;
    $b->go("$base/page.html");
    $b->run('window.shown = 0; for (const name of arguments[1]) {
        const frame = document.createElement("iframe");
        frame.onload = () => window.shown++;
        frame.src = arguments[0] + name;
        document.body.append(frame);
    }', $at, \@names);
    ok($b->wait_for(60, 'return window.shown >= arguments[0]', scalar @names), "$at - all are shown");
    sleep 2;
    my $links = $b->run('let links = 0;
        for (const frame of document.querySelectorAll("iframe")) {
            for (const link of frame.contentDocument?.querySelectorAll("a") ?? []) {
                link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
                links++;
            }
        }
        return links;');
    sleep 2;
    note("$at: $links links");
    my %asked;
    for (split /\n/, substr slurp($log), $before) {
        $asked{$1}++ if m{^hostile\.test /([\w-]+)};
    }
    return \%asked;
}

my $raw = asked('/raw/', @made);
note('as they come: ' . join ' ', sort keys %$raw);
cmp_ok(scalar keys %$raw, '>=', 30, 'as they come, many ask for something elsewhere');
my $bare = asked('/bare/', @made);
is(join(' ', sort keys %$bare), '', 'sanitized, and without the header, none does');
my $r = $s->client->get("/bare/script.svg");
ok($r->{status} == 200 && !$r->{h}{'content-security-policy'}, 'which is gone');
is(join('', $s->trouble), '', 'nothing bad in the log');
done_testing();
