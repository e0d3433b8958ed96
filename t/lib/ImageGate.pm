package ImageGate;

# What the tests of image_resize add to Test::Nginx::Socket. See t/README.md for the
# language of "--- rows". Load after Test::Nginx::Socket.

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use File::Spec ();
use File::Temp ();
use Test::More ();
use Time::HiRes qw(sleep time);

use Test::Nginx::Socket ();
use Test::Nginx::Util;
use ImageGate::Client;
use ImageGate::Fixtures qw(fixture fixture_path fixture_dir);
use ImageGate::Server;
use ImageGate::H2;
use ImageGate::Image qw(inspect decode psnr reference movement sniff);
use ImageGate::Upstream;

use base 'Exporter';
our @EXPORT = qw(fixture fixture_path fixture_dir inspect decode psnr reference sniff
                 client rows check_image error_lines new_error_lines wait_for start_upstream
                 with_image_filter image_filter_module nginx_pid worker_pid worker_memory spec_with has_threads has_cache);

# "--- script eval" and other evaluated sections live in this package.
for my $f (@EXPORT) {
    no strict 'refs';
    *{"Test::Base::Filter::$f"} = \&$f;
}

my $root = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../..');

BEGIN {
    $ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
}

# A plain "prove t/" after "make" finds what it needs.
$ENV{TEST_NGINX_IMAGE_GATE_BUILD} = "$root/build"
    if !defined $ENV{TEST_NGINX_IMAGE_GATE_BUILD} && -d "$root/build";
if (!defined $Test::Nginx::Util::LoadModules) {
    my $so = ($ENV{TEST_NGINX_IMAGE_GATE_BUILD} || '') . '/ngx_http_image_gate_module.so';
    $Test::Nginx::Util::LoadModules = $so if -f $so;
}

# TEST_NGINX_IMAGE_GATE_ORACLE=1 runs the same rows against image_filter.
my $oracle = $ENV{TEST_NGINX_IMAGE_GATE_ORACLE};
$Test::Nginx::Util::LoadModules = image_filter_module() if $oracle;

$ENV{TEST_NGINX_FIXTURES} = fixture_dir();

log_level($ENV{TEST_NGINX_LOG_LEVEL} || 'info');
worker_connections(256);
no_long_string();
no_root_location();

if ($ENV{TEST_NGINX_IMAGE_GATE_TIMES}) {
    my $last = time;
    add_test_cleanup_handler(sub {
        Test::More::diag(sprintf '%6.2f s  %s', time - $last, $_[0]->name);
        $last = time;
    });
}

my $nginx_built = `$Test::Nginx::Util::NginxBinary -V 2>&1`;
my $has_threads = $nginx_built =~ /--with-threads/;

# What configurations use that an nginx may be built without: what tells of it, how configure
# leaves it out (or takes it in), and what a block that is skipped says.
my @parts = (
    [qr/(?:^|[;{])\s*(?:return|rewrite|set|if|break)\b/m, qr/--without-http_rewrite_module/, 'rewrite'],
    [qr/\blocation\s+~|^\s*~|\bserver_name\s+~/m, qr/--without-pcre/, 'regular expressions'],
    [qr/\bproxy_(?:pass|set_header|http_version)\b/, qr/--without-http_proxy_module/, 'proxy'],
    [qr/\bproxy_cache/, qr/--without-http-cache/, 'caches'],
    [qr/\bgzip\b/, qr/--without-http_gzip_module/, 'gzip'],
    [qr/\bssi\b/, qr/--without-http_ssi_module/, 'SSI'],
    [qr/\bauth_request\b/, qr/^(?!.*--with-http_auth_request_module)/s, 'auth_request'],
    [qr/\bsub_filter\b/, qr/^(?!.*--with-http_sub_module)/s, 'sub_filter'],
    [qr/\bsecure_link(?:_md5|_secret)?\s/, qr/^(?!.*--with-http_secure_link_module)/s, 'secure_link'],
    [qr/\badd_(?:before|after)_body\b/, qr/^(?!.*--with-http_addition_module)/s, 'additions'],
    [qr/\bslice\b/, qr/^(?!.*--with-http_slice_module)/s, 'slices'],
    [qr/\bgunzip\b/, qr/^(?!.*--with-http_gunzip_module)/s, 'gunzip'],
    [qr/\bgzip_static\b/, qr/^(?!.*--with-http_gzip_static_module)/s, 'gzip_static'],
    [qr/\b(?:set_real_ip_from|real_ip_header)\b/, qr/^(?!.*--with-http_realip_module)/s, 'realip'],
    [qr/\bstub_status\b/, qr/^(?!.*--with-http_stub_status_module)/s, 'stub_status'],
    [qr/\bhttp2\b/, qr/^(?!.*--with-http_v2_module)/s, 'HTTP/2'],
    [qr/\blisten\s.*\bssl\b/, qr/^(?!.*--with-http_ssl_module)/s, 'TLS'],
    [qr/\bperl(?:_set|_modules|_require)?\s/, qr/^(?!.*--with-http_perl_module)/s, 'perl'],
);
my @missing = grep { $nginx_built =~ $_->[1] } @parts;

# Whether a request can be answered before any phase that may refuse it.
my $has_return = $nginx_built !~ /--without-http_rewrite_module/;

# Whether nginx has thread pools.
sub has_threads { return $has_threads }

# Whether nginx has its HTTP cache.
sub has_cache { return $nginx_built !~ /--without-http-cache/ }

# Every block gets a harmless first request and fails on alerts, in the log of the
# requests and in that of the shutdown.
add_block_preprocessor(sub {
    my $block = shift;

    if ($oracle) {
        for my $s (qw(config http_config)) {
            my $v = $block->$s;
            next if !defined $v;
            $v =~ s/\bimage_resize\b/image_filter/g;
            $v =~ s/\bimage_resize_/image_filter_/g;
            $block->set_value($s, $v);
        }
    }

    # Name a fixture in a configuration or a row and it exists.
    for my $s (qw(config http_config rows user_files request)) {
        my $v = $block->$s;
        next if !defined $v || ref $v;
        fixtures_in($v);
    }

    my $uses = join "\n", map { $_ || '' } $block->main_config, $block->http_config, $block->config;
    for (grep { $uses =~ $_->[0] } @missing) {
        $block->set_value(skip_nginx => "1: >= 0.0.0: this nginx is built without $_->[2]");
    }

    # Test::Nginx names the folder unless it finds the word.
    if ($nginx_built =~ /--without-http_proxy_module/) {
        $block->set_value(http_config => "# no proxy_temp_path\n" . ($block->http_config || ''));
    }

    if (!$has_threads) {
        if (defined $block->threads) {
            $block->set_value(skip_nginx => '1: >= 0.0.0: this nginx has no thread pools');
        }
        (my $config = $block->config || '') =~ s/\baio\s+threads;//g;
        $block->set_value(config => $config);
    }

    if (defined $block->must_die) {
        if (!defined $block->config) {
            $block->set_value(config => '');
        }
        return;
    }

    if (!defined $block->request && !defined $block->raw_request && !defined $block->pipelined_requests) {
        $block->set_value(request => 'GET /ready');
        my $ready = $has_return ? 'return 200 ok;' : "alias @{[fixture_path('text.txt')]};";
        $block->set_value(config => ($block->config || '') . "\n        location = /ready { $ready }\n");
    }
    if (!defined $block->no_error_log) {
        $block->set_value(no_error_log => "[alert]\n[crit]\n[emerg]\npanicked");
    }
    # That of a block that is skipped would be another's.
    if (!defined $block->no_shutdown_error_log && !defined $block->shutdown_error_log && !defined $block->skip_nginx) {
        $block->set_value(no_shutdown_error_log => "[alert]\n[emerg]");
    }
});

Test::Nginx::Socket::add_response_body_check(sub {
    my ($block, $body, $req_idx, $repeated, $dry_run) = @_;
    my $name = $block->name;
    return if $dry_run;

    if (defined $block->image) {
        my @bad = check_image($body, $block->image);
        Test::More::ok(!@bad, "$name - image") or Test::More::diag(join "\n", @bad);
    }

    return if $req_idx > 0;

    rows($name, $block->rows, $block) if defined $block->rows;

    if (defined $block->script) {
        my $code = $block->script;
        die "$name: --- script wants eval and a sub" if ref $code ne 'CODE';
        $code->($name, $block);
    }
});

my $fixture_re = qr/\b((?:(?:trunc|most|noend)_)?(?:photo|quad|flat|bars|noise|anim)-\d+x\d+[-\w]*\.(?:jpg|png|gif|webp|avif|jxl)
                      |(?:empty|one|zeros)\.bin|text\.(?:txt|jpg)|magic\.\w+|(?:logo|half)\.svgz?|(?:declared|late)\.svg|bomb\.svgz|picture\.\w+|fax\.tiff
                      |(?:bomb|lying|phone|zero|wide)-\d+x\d+\.\w+|padded-\w+\.png|frames-\d+\.gif|(?:huge|none)-frames\.\w+|scans-1000\.jpg|bomb\.gz)/x;

sub fixtures_in {
    my $text = shift;
    while ($text =~ /$fixture_re/g) {
        fixture_path($1);
    }
}

sub client {
    return ImageGate::Client->new(port => server_port_for_client(), @_);
}

# The tests below __DATA__ of a file, where each line %NAME% stands for the rows of that name.
sub spec_with {
    my ($data, %rows) = @_;
    my $spec = do { local $/; <$data> };
    $spec =~ s/^%$_%\n/$rows{$_}/m for keys %rows;
    Test::Base::spec_string($spec);
}

sub nginx_pid { get_pid_from_pidfile('image gate') }

# The worker, or the only process there is.
sub worker_pid {
    my $pid = nginx_pid();
    # It may be the master itself, which then has children that decode.
    my ($kid) = grep { `cat /proc/$_/cmdline 2>/dev/null` !~ /image codec/ } map { /^(\d+)/ } `pgrep -P $pid`;
    return $kid || $pid;
}

# Its memory in MiB: "VmRSS" is what it has, "VmHWM" what it had at most.
sub worker_memory {
    my $field = shift;
    my ($kib) = ImageGate::Fixtures::slurp('/proc/' . worker_pid() . '/status') =~ /^$field:\s*(\d+) kB/m or die "no $field";
    return $kib / 1024;
}

# Waits until $code is true, at most $seconds; says whether.
sub wait_for {
    my ($seconds, $code) = @_;
    my $end = time + $seconds;
    until ($code->()) {
        return 0 if time > $end;
        sleep 0.02;
    }
    return 1;
}

my $upstream;

# The misbehaving origin of ImageGate::Upstream; its port is $TEST_NGINX_UPSTREAM_PORT.
sub start_upstream {
    $upstream = ImageGate::Upstream->start(fixture_dir());
    $ENV{TEST_NGINX_UPSTREAM_PORT} = $upstream->port;
    add_cleanup_handler(sub { $upstream->stop });
    return $upstream;
}

sub image_filter_module {
    my $so = $ENV{TEST_NGINX_IMAGE_FILTER_MODULE}
        || '/usr/lib/nginx/modules/ngx_http_image_filter_module.so';
    return -f $so && is_loaded($so) ? $so : undef;
}

my %loads;

# Whether nginx takes a module: one of another version it does not.
sub is_loaded {
    my $so = shift;
    return $loads{$so} if defined $loads{$so};
    my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $out, '>', "$dir/nginx.conf" or die "$dir: $!";
    print $out "load_module $so; pid $dir/nginx.pid; error_log $dir/error.log; events { }\n";
    close $out or die "$dir: $!";
    my $nginx = $Test::Nginx::Util::NginxBinary;
    return $loads{$so} = system("$nginx -t -q -e $dir/error.log -p $dir/ -c $dir/nginx.conf 2>/dev/null") == 0;
}

# Loads image_filter beside the module under test; false when it is not installed.
sub with_image_filter {
    my $so = image_filter_module() or return 0;
    return 1 if $oracle;
    $Test::Nginx::Util::LoadModules = join ' ', grep { defined } $Test::Nginx::Util::LoadModules, $so;
    return 1;
}

# Lines of the error log that are no debugging.
sub error_lines {
    my $from = shift || 0;
    open my $in, '<', $Test::Nginx::Util::ErrLogFile or return;
    seek $in, $from, 0;
    my @lines = grep { /\[(?:info|notice|warn|error|crit|alert|emerg)\]/ } <$in>;
    close $in;
    return map { ImageGate::Server::as_nginx($_) } @lines;
}

sub error_log_size { -s $Test::Nginx::Util::ErrLogFile || 0 }

# Each row is one request on one keep-alive connection and one test:
#
#     [METHOD] URI [[Header: value] ...] STATUS [expectation ...]
sub rows {
    my ($name, $text, $block) = @_;
    my $c = client(timeout => 30);
    my $prev = { h => {}, body => '' };

    for my $line (split /\n/, $text) {
        $line =~ s/(?:^|\s)#.*//;
        next if $line !~ /\S/;

        $line =~ s/^\s+|\s+$//g;
        my $row = $line;
        my $method = $row =~ s/^([A-Z]+)\s+// ? $1 : 'GET';
        $row =~ s/^(\S+)\s*// or die "row without URI: $line";
        my $uri = $1;
        my @headers;
        while ($row =~ s/^\[([\w-]+):\s*([^\]]*)\]\s*//) {
            my ($k, $v) = ($1, $2);
            $v =~ s/\$etag/defined $prev->{h}{etag} ? $prev->{h}{etag} : 'none'/e;
            $v =~ s/\$last_modified/defined $prev->{h}{'last-modified'} ? $prev->{h}{'last-modified'} : 'none'/e;
            push @headers, $k, $v;
        }
        $row =~ s/^(\d{3}(?:\|\d{3})*)\s*// or die "row without status: $line";
        my $status = $1;

        my $log_at = error_log_size();
        my $r = $c->request($method, $uri, @headers);

        my @bad;
        push @bad, "transfer: $r->{error}" if $r->{error};
        push @bad, "status $r->{status}, expected $status" if $r->{status} !~ /^(?:$status)$/;
        push @bad, expect($r, $row, $prev, { uri => $uri, log_at => $log_at });

        Test::More::ok(!@bad, "$name - $line") or do {
            Test::More::diag(join "\n", @bad);
            my $head = $r->{head};
            $head =~ s/\r//g;
            Test::More::diag($head);
            Test::More::diag(join '', error_lines($log_at));
        };
        $prev = $r;
    }
}

sub expect {
    my ($r, $text, $prev, $o) = @_;
    my (@bad, @image);

    for my $word (split ' ', $text) {
        # headers
        if ($word =~ /^([A-Z][A-Za-z0-9-]*)(=|~|!~)(.*)$/) {
            my ($k, $op, $v) = ($1, $2, $3);
            $v =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
            my $got = $r->{h}{lc $k};
            my $shown = defined $got ? "'$got'" : 'absent';
            if ($op eq '=') {
                push @bad, "$k is $shown, expected '$v'" if !defined $got || $got ne $v;
            } elsif ($op eq '~') {
                push @bad, "$k is $shown, expected /$v/" if !defined $got || $got !~ /$v/;
            } else {
                push @bad, "$k is $shown, expected not /$v/" if defined $got && $got =~ /$v/;
            }

        } elsif ($word =~ /^!([A-Z][A-Za-z0-9-]*)$/) {
            push @bad, "$1 is '$r->{h}{lc $1}', expected absent" if defined $r->{h}{lc $1};

        } elsif ($word =~ /^etag=(weak|strong|none|same|other)$/) {
            my $want = $1;
            my $got = $r->{h}{etag};
            my $kind = !defined $got ? 'none' : $got =~ m{^W/"[^"]+"$} ? 'weak'
                     : $got =~ /^"[^"]+"$/ ? 'strong' : "malformed ($got)";
            if ($want eq 'same' || $want eq 'other') {
                my $was = defined $prev->{h}{etag} ? $prev->{h}{etag} : 'none';
                my $now = defined $got ? $got : 'none';
                push @bad, "ETag $now, the one before $was, expected $want"
                    if ($now eq $was) != ($want eq 'same');
            } else {
                push @bad, "ETag is $kind, expected $want" if $kind ne $want;
            }

        } elsif ($word eq 'close' || $word eq 'keepalive') {
            my $close = ($r->{h}{connection} || '') =~ /close/i;
            push @bad, 'Connection: ' . ($r->{h}{connection} || 'absent') . ", expected $word"
                if $close != ($word eq 'close');

        } elsif ($word eq 'chunked') {
            push @bad, 'not chunked' if !$r->{chunked};

        } elsif ($word =~ /^log=(\w+)(?::(.*))?$/) {
            push @bad, check_log($o->{log_at}, $o->{uri}, $1, $2, $r);

        } elsif ($word =~ /^line=(\w+):(.*)$/) {
            # Any line, for requests that are not logged as they were sent.
            my ($level, @words) = ($1, split /:/, $2);
            my $found = sub {
                return scalar grep {
                    my $line = $_;
                    $line =~ /\[\Q$level\E\]/ && !grep { $line !~ /\b\Q$_\E\b/ } @words;
                } error_lines($o->{log_at});
            };
            push @bad, "no line at level $level with '@words'" if !wait_for(3, $found);

        } elsif ($word =~ /^body=(.*)$/) {
            my $v = $1;
            $v =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
            push @bad, "body '$r->{body}', expected '$v'" if $r->{body} ne $v;

        } elsif ($word eq 'empty') {
            push @bad, length($r->{body}) . ' bytes of body, expected none' if length $r->{body};

        } elsif ($word eq 'again') {
            push @bad, 'body differs from the one before' if $r->{body} ne $prev->{body};

        } elsif ($word eq 'changed') {
            push @bad, 'body equals the one before' if $r->{body} eq $prev->{body};

        } elsif ($word eq 'sharper') {
            my ($now) = decode($r->{body});
            my ($was) = decode($prev->{body});
            my ($n, $w) = map { $_ ? ImageGate::Image::detail($_) : 0 } $now, $was;
            push @bad, sprintf 'detail %.5f, the one before %.5f, expected more', $n, $w if $n < 1.1 * $w;

        } elsif ($word =~ /^prev([<>])$/) {
            my ($n, $p) = (length $r->{body}, length $prev->{body});
            push @bad, "$n bytes, the one before $p" if $1 eq '<' ? $n >= $p : $n <= $p;

        } else {
            push @image, $word;
        }
    }

    push @bad, check_image($r->{body}, join ' ', @image) if @image && !@bad;
    return @bad;
}

# Exactly one line about this request, at that level, with what an operator needs.
sub check_log {
    my ($at, $uri, $level, $words, $r) = @_;
    my @lines;
    (my $path = $uri) =~ s/\?.*//;
    wait_for(3, sub {
        @lines = grep { /request: "\w+ \Q$uri\E HTTP/ && !/client .* closed keepalive/ } error_lines($at);
        return $level eq 'none' ? 1 : scalar @lines;
    });
    return @lines ? "logged, expected nothing: @lines" : () if $level eq 'none';
    return 'nothing in the error log' if !@lines;
    return 'more than one line in the error log: ' . join '', @lines if @lines > 1;
    my @bad;
    push @bad, "not at level $level: $lines[0]" if $lines[0] !~ /\[\Q$level\E\]/;
    (my $message = $lines[0]) =~ s/, client: .*//s;
    for my $w (split /:/, defined $words ? $words : '') {
        push @bad, "no '$w' in the message: $lines[0]" if $message !~ /\b\Q$w\E\b/;
    }
    return @bad;
}

# Expectations about a body; returns complaints.
sub check_image {
    my ($body, $text) = @_;
    my @bad;
    my ($info, $img, $frames);

    my $look = sub { $info ||= inspect($body) };
    my $pixels = sub {
        if (!$img) {
            my $e;
            ($img, $e, $frames) = decode($body);
            push @bad, $e if $e;
        }
        return $img;
    };

    for my $word (split ' ', $text) {
        if ($word =~ /^(jpeg|png|gif|webp|avif|jxl)$/) {
            my $i = $look->();
            push @bad, "format $i->{format}, expected $word" if $i->{format} ne $word;
            push @bad, "broken: $i->{broken}" if $i->{broken};
            $pixels->();

        } elsif ($word =~ /^(\d+)x(\d+)$/) {
            my $i = $look->();
            push @bad, "dimensions $i->{width}x$i->{height}, expected $word"
                if $i->{width} != $1 || $i->{height} != $2;
            if (my $p = $pixels->()) {
                my ($w, $h) = $p->Get('width', 'height');
                push @bad, "decodes to ${w}x$h, expected $word" if $w != $1 || $h != $2;
            }

        } elsif ($word =~ /^same=(.+)$/) {
            my $want = fixture($1);
            push @bad, sprintf 'not the bytes of %s (%d bytes, expected %d)', $1, length $body, length $want
                if $body ne $want;

        } elsif ($word =~ /^psnr([<>])(\d+(?:\.\d+)?):(.+)$/) {
            my ($op, $db, $spec) = ($1, $2, $3);
            my $p = $pixels->() or next;
            my $ref = reference($spec, $p->Get('width'), $p->Get('height'));
            my ($w, $h, $rw, $rh) = ($p->Get('width', 'height'), $ref->Get('width', 'height'));
            if ($w != $rw || $h != $rh) {
                push @bad, "is ${w}x$h, the reference ${rw}x$rh";
                next;
            }
            my $got = psnr($p, $ref);
            push @bad, "PSNR $got, expected $op $db against $spec"
                if $got !~ /^\d/ || ($op eq '>' ? $got <= $db : $got >= $db);

        } elsif ($word =~ /^px=(\d+),(\d+):([^~]+)(?:~(\d+))?$/) {
            my ($x, $y, $colour, $tol) = ($1, $2, $3, defined $4 ? $4 : 24);
            my $p = $pixels->() or next;
            push @bad, pixel($p, $x, $y, $colour, $tol);

        } elsif ($word eq 'interlaced' || $word eq 'sequential') {
            my $got = $look->()->{interlaced} ? 'interlaced' : 'sequential';
            push @bad, "$got, expected $word" if $got ne $word;

        } elsif ($word =~ /^q=(\d+)(?:\.\.(\d+))?$/) {
            my ($lo, $hi) = ($1, defined $2 ? $2 : $1);
            my $p = $pixels->() or next;
            my $q = $p->Get('quality');
            push @bad, "quality $q, expected $lo..$hi" if $q < $lo || $q > $hi;

        } elsif ($word =~ /^sampling=(\w+)$/) {
            my $got = $look->()->{sampling} || 'none';
            push @bad, "sampling $got, expected $1" if $got ne $1;

        } elsif ($word =~ /^components=(\d)$/) {
            my $got = $look->()->{components} || 0;
            push @bad, "$got components, expected $1" if $got != $1;

        } elsif ($word =~ /^bits=(\d+)$/) {
            my $got = $look->()->{bits} || 0;
            push @bad, "$got bits, expected $1" if $got != $1;

        } elsif ($word =~ /^icc=(\w+)$/) {
            my ($want, $got) = ($1, $look->()->{icc});
            if ($want eq 'none') {
                push @bad, sprintf 'a profile of %d bytes, expected none', length $got if defined $got;
            } elsif ($want eq 'any') {
                push @bad, 'no profile' if !defined $got;
            } else {
                my $ref = ImageGate::Fixtures::profile_blob($want);
                push @bad, !defined $got ? 'no profile' : "another profile than $want"
                    if !defined $got || $got ne $ref;
            }

        } elsif ($word =~ /^exif=(none|any|\d)$/) {
            my $want = $1;
            my $i = $look->();
            push @bad, 'EXIF data, expected none' if $want eq 'none' && defined $i->{exif};
            push @bad, 'no EXIF data' if $want eq 'any' && !defined $i->{exif};
            push @bad, 'orientation ' . ($i->{orientation} || 'none') . ", expected $want"
                if $want =~ /^\d$/ && ($i->{orientation} || 0) != $want;

        } elsif ($word eq 'upright') {
            my $o = $look->()->{orientation};
            push @bad, "orientation tag $o left" if defined $o && $o != 1;

        } elsif ($word eq 'bare') {
            my $i = $look->();
            for (qw(exif xmp iptc comment icc)) {
                push @bad, "$_ data left" if defined $i->{$_};
            }

        } elsif ($word =~ /^moves>(\d+(?:\.\d+)?):(.+)$/) {
            my ($db, $name, @ops) = ($1, split /,/, $2);
            my $source = fixture($name);
            my ($got, $want) = ($look->(), inspect($source));
            my ($g, $w) = map { join ' ', @{ $_->{delays} } } $got, $want;
            push @bad, "delays $g, expected $w" if $g ne $w;
            push @bad, "played $got->{plays} times, expected $want->{plays}" if $got->{plays} != $want->{plays};
            my @got = movement($body);
            my @want = movement($source, @ops);
            push @bad, scalar(@got) . ' pictures, expected ' . @want if @got != @want;
            for my $n (0 .. (@got < @want ? $#got : $#want)) {
                my $psnr = psnr($got[$n], $want[$n]);
                push @bad, "PSNR $psnr of picture $n, expected > $db" if $psnr !~ /^\d/ || $psnr <= $db;
            }

        } elsif ($word =~ /^frames=(\d+)$/) {
            my $got = $look->()->{frames};
            push @bad, "frames $got, expected $1" if $got != $1;

        } elsif ($word eq 'alpha' || $word eq 'opaque') {
            my $got = $look->()->{alpha} ? 'alpha' : 'opaque';
            push @bad, "$got, expected $word" if $got ne $word;

        } elsif ($word eq 'palette' || $word eq 'truecolour') {
            my $got = $look->()->{palette} ? 'palette' : 'truecolour';
            push @bad, "$got, expected $word" if $got ne $word;

        } elsif ($word eq 'lossless' || $word eq 'lossy') {
            my $got = $look->()->{lossless} ? 'lossless' : 'lossy';
            push @bad, "$got, expected $word" if $got ne $word;

        } elsif ($word =~ /^bytes([<>])(\d+)$/) {
            my $n = length $body;
            push @bad, "$n bytes, expected $1 $2" if $1 eq '<' ? $n >= $2 : $n <= $2;

        } elsif ($word =~ /^smaller=(.+)$/) {
            my ($n, $m) = (length $body, length fixture($1));
            push @bad, "$n bytes, not smaller than the $m of $1" if $n >= $m;

        } else {
            die "no such expectation: $word";
        }
    }

    return @bad;
}

# COLOUR of ImageMagick; "none" for transparent, "any@0.5" or "red@0.5" with alpha.
sub pixel {
    my ($img, $x, $y, $colour, $tol) = @_;
    my ($name, $alpha) = split /@/, $colour;
    my $cmyk = $img->Get('colorspace') =~ /CMYK/;
    $img = ImageGate::Image::plain($img) if $cmyk;
    my @got = map { $_ * 255 } $img->GetPixel(x => $x, y => $y, channel => 'RGB');
    # ImageMagick 6 gives transparency where it says alpha
    my $opacity = $img->Get('matte') ? 1 - ($img->GetPixel(x => $x, y => $y, channel => 'Alpha'))[0] : 1;
    my $is = sprintf 'rgba(%d,%d,%d,%.2f)', @got[0 .. 2], $opacity;

    if ($name eq 'none') {
        return $opacity < 0.02 ? () : "pixel $x,$y is $is, expected transparent";
    }
    $alpha = 1 if !defined $alpha;
    return "pixel $x,$y is $is, expected alpha $alpha" if abs($opacity - $alpha) > 0.03;
    return if $name eq 'any';

    my @want = map { $_ / 257 } $img->QueryColor($name);
    for my $k (0 .. 2) {
        return sprintf "pixel %d,%d is %s, expected %s (%d,%d,%d)", $x, $y, $is, $name, @want[0 .. 2]
            if abs($got[$k] - $want[$k]) > $tol;
    }
    return;
}

1;
