# What "nginx -t" says to settings that are right one by one, and together do nothing or let
# everybody in: which line, in which file, and nothing at all to those that are right.
#
# Each case is an included file: the body of a server, or of http where it says so. A line
# that ends in "#! LEVEL: TEXT" gets a message of that level and with that text, and no other
# line gets one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Keys qw(key_file);

my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$dir/logs";

sub put {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";
}

put('keys', key_file(acme => 'KEY-ACME'));
put('nobody.keys', "# No one yet.\n");
put('two.key', "one\ntwo\n");
put('space.key', "one \n");
put('quoted.key', "\"one\"\n");
put('one.key', "hex:0123456789abcdef\r\n");
put('random.key', "\xff\xfe\x01\n\x02 ");
put('mark.key', "\xef\xbb\xbfhex:0123456789abcdef\n");
put('wide.key', "\xff\xfeh\0e\0x\0");
put('mark.keys', "\xef\xbb\xbf" . key_file(acme => 'KEY-ACME'));
put('nothing.keys', "acme sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");

my $nginx = $Test::Nginx::Util::NginxBinary;
my $modules = join '', map { "load_module $_;\n" } split ' ', $Test::Nginx::Util::LoadModules;
my $image_filter = image_filter_module();
my $built = `$nginx -V 2>&1`;

sub messages {
    my ($text, $in_http, $more, $below) = @_;
    put('site.conf', $text);
    my $site = $in_http ? 'include site.conf;' : "server {\n    listen 127.0.0.1:1;\n    include site.conf;\n}";
    put('nginx.conf', <<"E_C");
$modules$more
error_log $dir/logs/error.log notice; pid $dir/nginx.pid;
events { }
http {
    access_log off; client_body_temp_path $dir/body;
    access_key_zone p 128k; access_key_file p keys;
    image_resize_zone 64k;
    server { listen 127.0.0.1:9; location / { access_key zone=p from=arg:key; } }
    $site
}
@{[$below // '']}
E_C
    my $out = `$nginx -t -p $dir/ -c $dir/nginx.conf -e $dir/logs/error.log 2>&1`;
    return grep { /\[(?:warn|error|crit|emerg)\]/ } split /\n/, $out;
}

my @cases = split /^=== /m, do { local $/; <DATA> };
shift @cases;
for my $case (@cases) {
    my ($name, $text) = split /\n/, $case, 2;
    my $in_http = $name =~ s/^http: //;
    my $more = '';
    SKIP: {
        if ($name =~ s/^both: //) {
            skip("$name: no image_filter for this nginx", 1) if !$image_filter;
            $more = "load_module $image_filter;";
        }
        skip("$name: this nginx has no rewrite module", 1)
            if $text =~ /\b(?:(?:if|rewrite|return)\b|set \$)/ && $built =~ /--without-http_rewrite_module/;
        skip("$name: this nginx has no proxy", 1)
            if $text =~ /^[^#]*\bproxy_pass\b/m && $built =~ /--without-http_proxy_module/;
        skip("$name: this nginx has no slices", 1)
            if $text =~ /\bslice 1m/ && $built !~ /--with-http_slice_module/;
        skip("$name: this nginx has no threads", 1)
            if $text =~ /image_resize_threads (?!off)/ && !has_threads();
        skip("$name: this nginx has no access module", 1)
            if $text =~ /\ballow all\b/ && $built =~ /--without-http_access_module/;
        skip("$name: this nginx has no secure_link", 1)
            if $text =~ /\bsecure_link_expires\b/ && $built !~ /--with-http_secure_link_module/;
        skip("$name: this nginx has no auth_request", 1)
            if $text =~ /\bauth_request\b/ && $built !~ /--with-http_auth_request_module/;
        skip("$name: this nginx has no cache", 1)
            if $text =~ /^image_resize_cache_path/m && $built =~ /--without-http-cache/;
        skip("$name: this nginx has no regular expressions", 1)
            if $text =~ /location ~/ && $built =~ /--without-pcre/;
        my (%want, @bad);
        my $n = 0;
        for (split /\n/, $text) {
            $n++;
            unshift @{ $want{$n} }, [$1, $2] while s/\s*#! (\w+): ((?:(?! #! ).)*)$//;
        }
        (my $conf = $text) =~ s/\s*#! .*$//mg;
        for my $line (messages($conf, $in_http, $more)) {
            my ($level, $said, $at) = $line =~ /\[(\w+)\] (.*) in \Q$dir\E\/site\.conf:(\d+)$/;
            my $want = defined $at && shift @{ $want{$at} // [] };
            push @bad, "unexpected: $line" if !$want || $want->[0] ne $level || index($said, $want->[1]) < 0;
        }
        for my $n (sort keys %want) { push @bad, "line $n: no $_->[0] \"$_->[1]\"" for @{ $want{$n} } }
        Test::More::ok(!@bad, $name) or Test::More::diag(join "\n", @bad);
    }
}
# What somebody new to it writes: where it stands, what, and all that is said of it, which has to say what is
# meant. "conf.t" and its kin have more of each directive.
my @mistakes = split /\n/, <<'E_M';
http     image_resize_cache_path images;                        | invalid number of arguments in "image_resize_cache_path" directive
http     image_resize_cache_path images keys_zone=k;            | invalid keys zone size "keys_zone=k"
http     image_resize_cache_path images keys_zone=k:1k;         | keys zone "keys_zone=k:1k" is too small
http     image_resize_cache_path images keys_zone=k:1m max_size=much; | invalid max_size value "max_size=much"
http     image_resize_cache_path images keys_zone=k:1m use_temp_path=off; | "image_resize_cache_path" directive: there is no "use_temp_path=": files are written in PATH itself
location image_resize_cache_path images keys_zone=k:1m;         | "image_resize_cache_path" directive is not allowed here
location image_resize_cache images;                             | "image_resize_cache" directive: there is no zone "images"
location image_resize_cache_valid 404 1m;                       | "image_resize_cache_valid" directive: invalid code "404", only 200 and 415 are kept
location image_resize_cache_valid any soon;                     | "image_resize_cache_valid" directive: invalid value "soon", it must be a time such as 1h
location image_resize_cache_lock yes;                           | "image_resize_cache_lock" directive: invalid value "yes", it must be "on" or "off"
location image_resize_cache_lock_timeout -1;                    | "image_resize_cache_lock_timeout" directive: invalid value "-1", it must be a time such as 1h
location image_resize_cache_min_uses 0;                         | "image_resize_cache_min_uses" directive: invalid value "0", it must be a number from 1 to 1000
location image_resize_cache_use_stale always;                   | "image_resize_cache_use_stale" directive: invalid value "always", it must be error, timeout, invalid_header, updating, http_STATUS or off
location image_resize_cache_use_stale http_418;                 | "image_resize_cache_use_stale" directive: invalid value "http_418", it must be error, timeout, invalid_header, updating, http_STATUS or off
location image_resize_cache_revalidate always;                  | "image_resize_cache_revalidate" directive: invalid value "always", it must be "on" or "off"
location image_resize_cache_key a; image_resize_cache_key b;    | "image_resize_cache_key" directive is duplicate
location image_resize_cache_methods GET;                        | unknown directive "image_resize_cache_methods"
location image_resize_zone 128k;                                | "image_resize_zone" directive is not allowed here
location image_resize_status html;                              | "image_resize_status" directive: invalid value "html", it must be json or prometheus
location image_resize_debug_header yes;                         | "image_resize_debug_header" directive: invalid value "yes", it must be "on" or "off"
server   image_resize_debug_header on;                          | "image_resize_debug_header" directive is not allowed here
location image_resize_no_transform 1;                           | "image_resize_no_transform" directive: invalid value "1", it must be "on" or "off"
server   image_resize resize 300 200;                           | "image_resize" directive is not allowed here
location image_resize 300x200;                                  | "image_resize" directive: invalid value "300x200", it must be MODES
location image_resize width=300;                                | "image_resize" directive: invalid value "width=300", it must be MODES
location image_resize thumbnail 300 200;                        | "image_resize" directive: invalid value "thumbnail", it must be MODES
location image_resize resize 300,200;                           | "image_resize" directive: invalid number of arguments: it is MODES
location image_resize resize 300px 200px;                       | "image_resize" directive: invalid value "300px", it must be a number of pixels from 1 up, a share up to 1000%, "auto" or "-"
location image_resize rotate 90deg;                             | "image_resize" directive: invalid value "90deg", it must be 90, 180 or 270
location image_resize_quality 80;                               | unknown directive "image_resize_quality"
location image_resize_jpeg_quality 80%;                         | "image_resize_jpeg_quality" directive: invalid value "80%", it must be a number from 1 up
location image_resize_webp_quality 80 lossless=on;              | "image_resize_webp_quality" directive: invalid value "lossless=on", it must be effort=
location image_resize_format auto=avif,jpeg;                    | "image_resize_format" directive: invalid value "auto=avif,jpeg", it must be original, jpeg, png, gif, webp, avif, jxl, auto or auto=LIST
location image_resize_buffer 16MB;                              | "image_resize_buffer" directive: invalid value "16MB", it must be a size such as 16m
location image_resize_limit 10s;                                | "image_resize_limit" directive: invalid value "10s", it must be LIMITS
location image_resize_limit megapixels=50;                      | "image_resize_limit" directive: invalid value "megapixels=50", it must be LIMITS
location image_resize_limit time=ten;                           | "image_resize_limit" directive: invalid value "time=ten", it must be a time above 0, such as 10s
location image_resize_limit pixels=20m pixels=1m;               | "image_resize_limit" directive: duplicate "pixels="
location image_resize_params "widht=$arg_w";                    | "image_resize_params" directive: bad parameter: unknown name "widht"
location secure_link_hash_strip token,expires;                  | "secure_link_hash_strip" directive: "token,expires" is not the name of an argument: between names there is a space
location image_resize_limit memory 512m;                        | "image_resize_limit" directive: invalid value "memory", it must be a size above 0, such as 512m
location image_resize_max_bytes 100kb;                          | "image_resize_max_bytes" directive: invalid value "100kb", it must be a size, or "off"
location image_resize_watermark $uri bottom-right;              | "image_resize_watermark" directive: invalid value "bottom-right", it must be a file or text=STRING, and position=, offset=, opacity=, scale=, tile=, rotate=, font=, size= or color=
location image_resize_watermark $uri position=bottom-right;     | "image_resize_watermark" directive: invalid value "bottom-right", it must be center, north, northeast and so on
location image_resize_preset thumb width=100;                   | "image_resize_preset" directive is not allowed here
http     image_resize_preset thumb 100x100;                     | "image_resize_preset" directive: bad parameter: "100x100" has no value
location image_resize_params width:100;                         | "image_resize_params" directive: bad parameter: "width:100" has no value
location image_resize_allow width=100..200;                     | "image_resize_allow" directive: bad parameter: "100..200" is no valid width
server   secure_link_hash_secret word;                          | "secure_link_hash_secret" directive is not allowed here
location secure_link_hash_require 403;                          | "secure_link_hash_require" directive: invalid value "403", it must be "on" or "off"
location secure_link_hash_require on status=404;                | "secure_link_hash_require" directive: invalid value "status=404", it must be invalid=STATUS or expired=STATUS
location secure_link_hash_algorithm sha-256;                    | "secure_link_hash_algorithm" directive: invalid value "sha-256", it must be hmac-sha256, hmac-sha512, hmac-sha1, sha256 or md5
location secure_link_hash_encoding base64;                      | "secure_link_hash_encoding" directive: invalid value "base64", it must be base64url or hex
location secure_link_hash_expires 1h;                           | unknown directive "secure_link_hash_expires"
server   access_key_file p keys;                                | "access_key_file" directive is not allowed here
http     access_key_zone r 1k;                                  | "access_key_zone" directive: zone "r" is too small: it needs 32k or more
http     access_key_zone r 128k; access_key_file r keys refresh=30s; | "access_key_file" directive: invalid value "refresh=30s", it must be poll=TIME
location access_key p;                                          | "access_key" directive: invalid value "p", it must be off, or zone=NAME and from=SOURCE
location access_key zone=p;                                     | "access_key" directive: no "from=": where the key is, such as arg:key
location access_key zone=p from=query:key;                      | "access_key" directive: invalid value "query:key", it must be arg:NAME, header:NAME, cookie:NAME or uri:NUMBER
location access_key_quota 1000 per=day;                         | "access_key_quota" directive: invalid value "1000", it must be requests=NUMBER or bytes=SIZE, per=PERIOD, or dry_run
location access_key_quota requests=1000/day;                    | "access_key_quota" directive: no "per=": write "requests=1000 per=day"
location access_key_quota bytes=5GB per=day;                    | "access_key_quota" directive: invalid value "5GB", it must be a size from 1 up, such as 5g
location access_key zone=p from=arg:key,header:key;             | "access_key" directive: invalid value "arg:key,header:key", it must be sources separated by "|"
http     access_key_zone r 128k state=kept/;                    | "access_key_zone" directive: "state=kept/" names a folder: name a file in it, "state=kept/state"
location image_resize crop 10 10 enlarge;                       | "image_resize" directive: invalid value "enlarge", it must be enlarge= with on, off or refuse
location secure_link_hash_require on image_resize_interlace on; | "secure_link_hash_require" directive: invalid value "image_resize_interlace", it must be invalid=STATUS or expired=STATUS; is a ";" missing before "image_resize_interlace"?
location access_key_status json; image_resize_status json;      | "image_resize_status" directive: "access_key_status" answers the requests of this location
location access_key_quota requests=1000 dry_run;                | "access_key_quota" directive: no "per=": second, minute, hour, day, month or total
location access_key_errors 403;                                 | "access_key_errors" directive: invalid value "403", it must be missing=, invalid=, disabled=, quota= or forbidden=, and a status
location access_key_redirect storage;                           | "access_key_redirect" directive: invalid value "storage", it must be a URI that begins with "/", or @NAME
location access_key_headers RateLimit;                          | "access_key_headers" directive: invalid value "RateLimit", it must be off, draft or legacy
location access_key_strip no;                                   | "access_key_strip" directive: invalid value "no", it must be "on" or "off"
location access_key_status xml;                                 | "access_key_status" directive: invalid value "xml", it must be json, prometheus or html
http     access_key_redis redis://h db=1;                       | "access_key_redis" directive: invalid value "db=1", it must be node=ID, interval=TIME, timeout=TIME or on_error=
http     access_key_statsd localhost;                           | "access_key_statsd" directive: invalid value "localhost", it must be HOST:PORT
http     access_key_statsd localhost:8125 host=a;               | "access_key_statsd" directive: invalid value "host=a", it must be prefix=NAME, interval=TIME or tags=dogstatsd
E_M
my %words = (
    MODES  => '"off", "test", "size", "info", "convert", "rotate ANGLE", or "resize", "crop", "pad", "stretch", "outside", "aspect-crop", "aspect-pad" or "auto" with WIDTH and HEIGHT',
    LIMITS => 'pixels=, width=, height=, frames=, scans=, output_pixels=, time=, memory=, jobs= or queue=',
);
for (@mistakes) {
    my ($where, $directive, $said) = /^(\w+)\s+(.*?)\s*\| (.*)$/ or die $_;
    $said =~ s/\b(MODES|LIMITS)$/$words{$1}/;
    # nginx says so itself, without a name, where it has no such cache.
    my $is_cache = $directive =~ /^image_resize_cache|^image_resize_no_cache/ && $built =~ /--without-http-cache/;
    my $text = $where eq 'location' ? "location /x/ {\n\n$directive\n}\n" : "\n\n$directive\n";
    SKIP: {
        skip("$directive: this nginx has no cache", 1) if $is_cache;
        skip("$directive: Angie has other words for the zone", 1) if $built =~ /Angie/ && $directive =~ /keys_zone=k(?::1k)?;$/;
        # nginx itself adds a line to what it says of a path.
        my ($line) = messages($text, $where eq 'http', '');
        $line =~ s/^.*?\[emerg\] \d+#\d+: |^\w+: \[emerg\] // if defined $line;
        Test::More::is($line, "$said in $dir/site.conf:3", $directive);
    }
}
# Pools of threads may be defined below http, also the one that needs no definition.
SKIP: {
    skip('this nginx has no threads', 2) if !has_threads();
    my $text = 'location /a/ { image_resize resize 10 10; } location /b/ { image_resize resize 10 10; image_resize_threads late; }';
    my $pools = 'thread_pool default threads=2; thread_pool late threads=1;';
    Test::More::is(join("\n", messages($text, 0, '', $pools)), '', 'pools of threads that are defined below http');
    my $unknown = 'location / { image_resize resize 10 10; image_resize_threads nopool; }';
    Test::More::is(scalar(messages($unknown, 0, '')), 1, 'a pool of threads that is nowhere defined - one line says so');
}
# Where there are no threads, a notice says at start that images hold up all else.
for (['image_resize resize 10 10;', !has_threads()], ['image_resize resize 10 10; image_resize_threads off;', 0],
     ['image_resize test;', 0]) {
    my ($mode, $is_said) = @$_;
    put('logs/error.log', '');
    messages("location / { $mode }", 0, '');
    open my $in, '<', "$dir/logs/error.log" or die $!;
    my $n = grep { /\[notice\].*built without threads/ } <$in>;
    Test::More::is($n, $is_said ? 1 : 0, "$mode - a notice where there are no threads");
}
# Where there is no cache of nginx's own, all that needs one is refused by its name.
my $without = 'this nginx is built without the HTTP cache';
for (['image_resize_cache_path cache keys_zone=r:1m', 1], 'image_resize_cache off', 'image_resize_cache_key $uri',
     'image_resize_cache_valid 1m', 'image_resize_cache_lock on', 'image_resize_cache_lock_timeout 1s',
     'image_resize_cache_lock_age 1s', 'image_resize_cache_use_stale error', 'image_resize_cache_background_update on',
     'image_resize_cache_revalidate on', 'image_resize_cache_min_uses 2', 'image_resize_cache_bypass $arg_b',
     'image_resize_no_cache $arg_b', 'image_resize_cache_purge $arg_p') {
    my ($text, $in_http) = ref ? @$_ : ("location / { $_; }", 0);
    my ($directive) = $text =~ /(image_resize_\w+)/;
    my @said = grep { /\Q$without\E/ } messages("$text;" =~ s/\};$/}/r, $in_http, '');
    Test::More::is(scalar @said, has_cache() ? 0 : 1, "$directive - refused where there is no cache");
    Test::More::like($said[0], qr/"$directive" directive: \Q$without\E in \S+site\.conf:1/, '... by its name') if @said;
}
Test::More::done_testing();

__DATA__
=== a redirect without a key
location /orig/ {
    access_key_redirect /un$uri; #! warn: nobody is asked for a key
}
location /un/orig/ { internal; }
=== a redirect with a key above, one that is guarded by links, and one that wants none
access_key zone=p from=arg:key;
location /a/ { access_key_redirect /un$uri; }
location /b/ {
    access_key off;
    access_key_redirect /un$uri;
}
location /c/ {
    secure_link_hash $arg_token,$arg_expires;
    secure_link_hash_message "$uri|$secure_link_hash_expires";
    secure_link_hash_key k;
    secure_link_hash_require on;
    access_key_redirect /un$uri;
}
location /un/ { internal; }
=== a redirect that is guarded by links and nothing else
location /c/ {
    secure_link_hash $arg_token;
    secure_link_hash_message "$uri";
    secure_link_hash_key k;
    secure_link_hash_require on;
    access_key_redirect /un$uri;
}
location /un/ { internal; }
=== a redirect to where all can go
location /c/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$uri; #! warn: which is not internal
}
location /un/ { }
=== a redirect to where all can go, beside an internal one
location ^~ /k/ {
    access_key zone=p from=arg:key;
    access_key_redirect /prot$access_key_uri; #! warn: "/prot/k/a.jpg" comes to "location /prot/", which is not internal, and so can be asked for by everybody: there has to be an internal one
}
location /prot/ { }
location /prot/other/ { internal; }
=== a redirect to a regular expression that all can ask for
location ^~ /k/ {
    access_key zone=p from=arg:key;
    access_key_redirect /prot$uri; #! warn: "/prot/k/a.jpg" comes to "location ~ ^/prot/(.*)$", which is not internal
}
location ~ ^/prot/(.*)$ { }
=== a redirect to whatever is asked for
location ~ ^/[^/]+/dl/ {
    access_key zone=p from=uri:1;
    access_key_redirect $access_key_uri; #! warn: whoever has a key chooses the location that it leads to, and comes to all that are internal: write a folder before "$access_key_uri"
}
location /dl/ { internal; }
=== files of other kinds that a regular expression takes
location /k/ {
    access_key zone=p from=arg:key; #! warn: "/k/a.svg" comes to "location ~ \.(svg|woff2?)$"
}
location ~* \.(svg|woff2?)$ { }
=== a redirect to an internal location, beside which all can go
location / { }
location /c/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$access_key_uri;
}
location /un/c/ { internal; }
=== a named location that is not there
location /nm/ {
    access_key zone=p from=arg:key;
    access_key_redirect @nope; #! emerg: there is no location "@nope" in this server
}
=== http: a named location of another server
server { listen 127.0.0.1:1; location @there { internal; } }
server {
    listen 127.0.0.1:2;
    location /nm/ {
        access_key zone=p from=arg:key;
        access_key_redirect @there; #! emerg: there is no location "@there"
    }
}
=== a named location that is there
location /nm/ { access_key zone=p from=arg:key; access_key_redirect @there; }
location @there { internal; }
=== a quota without a key
location /q/ {
    access_key_quota requests=1 per=day; #! warn: has no effect: there is no "access_key" here
}
=== a quota of a server without keys
access_key_quota requests=1 per=day; #! warn: has no effect
location /q/ { }
=== a quota of a server for one location of many
access_key_quota requests=1 per=day;
location /q/ { }
location /k/ { location /k/k/ { access_key zone=p from=arg:key; } }
=== what else a key is needed for
location /q/ {
    access_key_errors missing=403; #! warn: has no effect
    access_key_headers draft; #! warn: has no effect
    access_key_strip off; #! warn: has no effect
}
=== a quota where nobody is asked
access_key zone=p from=arg:key;
location /q/ {
    access_key off;
    access_key_quota requests=1 per=day; #! warn: has no effect: there is no "access_key" here
}
location /r/ { access_key off; access_key_quota requests=1 per=day; location /r/r/ { access_key zone=p from=arg:key; } }
=== a zone that is not there
location /a/ {
    access_key zone=q from=arg:key; #! emerg: unknown zone "q"
    alias /tmp/;
}
=== a status of a zone that is not there
location = /status {
    access_key_status json zone=q; #! emerg: unknown zone "q"
}
=== http: a zone without keys
access_key_zone q 128k; #! emerg: zone "q" has no keys
server { listen 127.0.0.1:1; }
=== http: keys without a zone
access_key_file q keys; #! emerg: unknown zone "q"
server { listen 127.0.0.1:1; }
=== links that nobody has to have
location /sl/ {
    secure_link_hash $arg_token,$arg_expires;
    secure_link_hash_message "$uri|$secure_link_hash_expires"; #! warn: no request is refused by it
    secure_link_hash_key k;
}
=== links of secure_link that nobody has to have
location /sl/ {
    secure_link_hash $arg_md5,$arg_expires;
    secure_link_hash_md5 "$secure_link_hash_expires$uri k"; #! warn: no request is refused by it
}
=== links with a secret that nobody has to have
location /sl/ {
    secure_link_hash_secret k; #! warn: no request is refused by it
}
=== links of others that nobody has to have
location /sl/ {
    secure_link_hash_key k;
    secure_link_hash_format bunny; #! warn: no request is refused by it
}
=== links of a server that one location wants
secure_link_hash $arg_token;
secure_link_hash_message $uri;
secure_link_hash_key k;
location /a/ { secure_link_hash_require on; }
location /b/ { }
=== links of a server that no location wants
secure_link_hash $arg_token;
secure_link_hash_message $uri; #! warn: no request is refused by it
secure_link_hash_key k;
location /a/ { }
=== links that are asked for by an if
location /a/ {
    secure_link_hash $arg_token;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    if ($secure_link_hash = "") { return 403; }
}
=== http: links that only a log tells of
log_format links "$uri $secure_link_hash_reason";
server {
    listen 127.0.0.1:1;
    location /a/ {
        secure_link_hash $arg_token;
        secure_link_hash_message $uri; #! warn: no request is refused by it: there is neither "secure_link_hash_require on" nor an "if" on $secure_link_hash here; "secure_link_hash_require off" says that this is meant
        secure_link_hash_key k;
    }
    location /b/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; secure_link_hash_require off; }
}
=== http: links that a map looks at
map $secure_link_hash $is_wrong { "" 1; default 0; }
map $secure_link_hash $rate { "" 10k; default 0; }
map $secure_link_hash $mark { "" unsigned.png; default ""; }
map $secure_link_hash $folder { "" public; default signed; }
server {
    listen 127.0.0.1:1;
    location /a/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; if ($is_wrong) { return 403; } }
    location /b/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; limit_rate $rate; }
    location /c/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; image_resize resize 10 10; image_resize_watermark $mark; }
    location /d/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; root /data/$folder; }
    location /e/ { secure_link_hash $arg_token; secure_link_hash_message $uri; secure_link_hash_key k; proxy_pass http://127.0.0.1:1; proxy_set_header X-Link $secure_link_hash; }
    location /f/ {
        secure_link_hash $arg_token;
        secure_link_hash_message $uri; #! warn: no request is refused by it
        secure_link_hash_key k;
        add_header X-Right $is_wrong;
    }
}
=== links that one of two locations has to have
location /a/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$arg_e"; secure_link_hash_key k; if ($secure_link_hash != "1") { return 403; } }
location /b/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: no request is refused by it
    secure_link_hash_key k;
    if ($request_method = POST) { return 405; }
    rewrite ^/b/(.*)$ /files/$1 break;
}
=== links of a server, and an if there
secure_link_hash $arg_t,$arg_e;
secure_link_hash_message "$uri|$arg_e";
secure_link_hash_key k;
if ($secure_link_hash != "1") { return 403; }
location /a/ { }
=== http: tokens that a page hands out
server { listen 127.0.0.1:1; location /a/ { secure_link_hash_message $uri; secure_link_hash_key k; add_header X-Token $secure_link_hash_token; } }
=== links that an if asks for one of two things
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "if ($secure_link_hash = "")" lets links in that have expired, for which it is "0": write "secure_link_hash_require on", or "if ($secure_link_hash != 1)"
    secure_link_hash_key k;
    if ($request_method = POST) { return 405; }
    if ($secure_link_hash = "") { return 403; }
}
location /b/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_md5 "$secure_link_hash_expires$uri k"; #! warn: "if ($secure_link_hash = "0")" lets links in that are not signed, for which it is ""
    if ($secure_link_hash = 0) { return 410; }
}
location /c/ {
    secure_link_hash_format bunny; #! warn: lets links in that have expired
    secure_link_hash_key k;
    if ($secure_link_hash = "") { return 403; }
}
=== links that an if asks for the other way round
location /a/ {
    secure_link_hash $arg_t;
    secure_link_hash_message "$uri"; #! warn: "if ($secure_link_hash)" refuses right links: write "secure_link_hash_require on", or "if ($secure_link_hash != 1)"
    secure_link_hash_key k;
    if ($secure_link_hash) { return 403; }
}
location /b/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "if ($secure_link_hash_reason = "ok")" refuses right links
    secure_link_hash_key k;
    if ($secure_link_hash_reason = ok) { return 403; }
}
location /c/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "if ($secure_link_hash_reason = "mismatch")" lets links in that are not signed, for which it is "missing": write
    secure_link_hash_key k;
    if ($secure_link_hash_reason = mismatch) { return 403; }
    if ($secure_link_hash_reason = expired) { return 410; }
}
location /d/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "if ($secure_link_hash_reason = "mismatch")" lets links in that are not written as they must be, for which it is "malformed"
    secure_link_hash_key k;
    if ($secure_link_hash_reason = mismatch) { return 403; }
    if ($secure_link_hash_reason = missing) { return 403; }
}
location /e/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_key k; if ($secure_link_hash_reason != ok) { return 403; } }
location /f/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_key k; if ($secure_link_hash) { set $ok 1; } if ($secure_link_hash = "") { return 403; } }
=== links whose expiry nobody reads
location /a/ {
    secure_link_hash $arg_token; #! warn: links never expire, though "$arg_expires" is signed: write where the expiry is behind the token and a comma
    secure_link_hash_message "$uri|$arg_expires";
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /c/ {
    secure_link_hash $arg_token,$arg_until;
    secure_link_hash_message "$uri|$arg_until|$arg_expires";
    secure_link_hash_key k;
    secure_link_hash_require on;
}
=== http: folders with another name
server {
    listen 127.0.0.1:1;
    root /www;
    location / { }
    location ^~ /k/ {
        access_key zone=p from=arg:key;
        access_key_redirect /prot$access_key_uri; #! warn: what is in "/www/priv/" can be had as "/priv/" of "location /", too, where nobody is asked: move it out of there
    }
    location ^~ /prot/k/ { internal; alias /www/priv/; }
    location ^~ /l/ {
        secure_link_hash $arg_t;
        secure_link_hash_message $uri;
        secure_link_hash_key k;
        secure_link_hash_require on; #! warn: what is in "/www/l/" can be had as "/pub/l/" of "location /pub/", too
    }
    location /pub/ { alias /www/; }
}
=== http: folders with another name, where that is no way to them
server {
    listen 127.0.0.1:1;
    root /www;
    location / { }
    location ^~ /k/ { access_key zone=p from=arg:key; access_key_redirect /prot$access_key_uri; }
    location ^~ /prot/k/ { internal; alias /www/priv/; }
    location ^~ /priv/ { return 404; }
    location ^~ /k2/ { access_key zone=p from=arg:key; access_key_redirect /prot$access_key_uri; }
    location ^~ /prot/k2/ { internal; alias /www2/; }
    location ^~ /k3/ { access_key zone=p from=arg:key; access_key_redirect /prot$access_key_uri; }
    location ^~ /prot/k3/ { internal; alias /data/; }
    location /small/ { alias /data/; image_resize resize 100 -; }
    location /proxied/ { root /data; proxy_pass http://127.0.0.1:9; }
}
=== http: links that an if asks for all
map $arg_x $other { default ""; }
server {
    listen 127.0.0.1:1;
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e";
    secure_link_hash_key k;
    location /a/ { if ($secure_link_hash = "") { return 403; } if ($secure_link_hash = "0") { return 410; } }
    location /b/ { if ($secure_link_hash != "1") { return 403; } }
    location /c/ { if ($secure_link_hash = "") { return 403; } if ($secure_link_hash_reason = expired) { return 410; } }
    location /d/ { if ($secure_link_hash = "") { return 403; } if ($other) { return 410; } }
    location /e/ { if ($secure_link_hash ~ ^$) { return 403; } if ($secure_link_hash ~ 0) { return 403; } }
    location /f/ { if ($secure_link_hash = "") { return 403; } secure_link_hash_require on; }
    location /g/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; if ($secure_link_hash = "") { return 403; } }
    location /h/ { secure_link_hash_format thumbor; if ($secure_link_hash = "") { return 403; } }
    location /i/ { if ($secure_link_hash = "") { return 403; } if ($secure_link_hash = "$arg_z") { return 410; } }
}
=== pictures that a regular expression takes from where a key is asked for
location /k/ {
    access_key zone=p from=arg:key; #! warn: "/k/a.jpg" comes to "location ~ \.(jpg|png)$", where nobody is asked: write "location ^~ /k/", or "access_key off" there if that is meant
    access_key_redirect /un$uri; #! warn: "/un/k/a.jpg" comes to "location ~ \.(jpg|png)$", which is not internal, and so can be asked for by everybody: write "location ^~ /un/"
}
location /un/ { internal; }
location ~ \.(jpg|png)$ { expires 1d; }
=== pictures that a regular expression takes from where links are asked for
location /s/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e";
    secure_link_hash_key k;
    secure_link_hash_require on; #! warn: "/s/a.jpg" comes to "location ~ \.(css|jpe?g)$", where nobody is asked: write "location ^~ /s/", or "secure_link_hash_require off" there if that is meant
}
location /j {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "/j/a.jpg" comes to
    secure_link_hash_key k;
    if ($secure_link_hash != "1") { return 403; }
}
location ~* \.(css|jpe?g)$ { expires 1d; }
=== pictures of a folder that a regular expression takes
location /k/ {
    access_key zone=p from=arg:key; #! warn: "/k/a.jpg" comes to "location ~ ^/(k|l)/", where nobody is asked
    location /k/k/ { }
}
location ~ ^/(k|l)/ { }
=== pictures that a regular expression before another takes
location ~ \.(gif|jpg)$ { expires 1d; }
location ~ ^/k/(?<w>\d+)/ {
    access_key zone=p from=arg:key; #! warn: "/k/1/a.jpg" comes to "location ~ \.(gif|jpg)$"
}
location ~ ^/m/ {
    access_key zone=p from=arg:key; #! warn: "/m/a.jpg" comes to "location ~ \.(gif|jpg)$", where nobody is asked: put that behind this location, or "access_key off"
}
location ~ \.png$ { access_key zone=p from=arg:key; }
location ~ ^/n/ { }
location ~ ^/o/(.*)$ {
    access_key zone=p from=arg:key; #! warn: "/o/a.jpg" comes to "location ^~ /o/", where nobody is asked: take "^~" away, or "access_key off" there if that is meant
}
location ^~ /o/ { }
location ^~ /static/ { }
=== pictures that a regular expression within takes from a location within
location /a/ {
    location /a/k/ {
        access_key zone=p from=arg:key; #! warn: "/a/k/a.jpg" comes to "location ~ \.jpg$"
    }
    location ~ \.jpg$ { }
}
=== pictures that no regular expression takes
location ^~ /k/ { access_key zone=p from=arg:key; access_key_redirect /un$uri; location /k/k/ { } }
location ^~ /un/ { internal; }
location /l/ { access_key zone=p from=arg:key; access_key_redirect @un; location ~ \.jpg$ { expires 1d; } }
location = /m/a.jpg { access_key zone=p from=arg:key; }
location = /n { access_key zone=p from=arg:key; access_key_redirect /un2/all.zip; }
location /un2/ { internal; }
location ~ ^/un2/.*\.jpg$ { }
location ~ ^/p/ { access_key zone=p from=arg:key; }
location = /p/a.jpg { }
location @un { internal; }
location ~ /\.ht { deny all; }
location ~ \.(css|js|ico|woff2?)$ { expires 1d; }
location ~ \.php$ { }
location ~ ^/other/ { }
location ~ ^/l/(.*\.jpg)$ { secure_link_hash $arg_t; secure_link_hash_message $uri; secure_link_hash_key k; secure_link_hash_require on; }
=== pictures that a regular expression takes and asks for, too, or nobody gets
location /k/ { access_key zone=p from=arg:key; }
location ~ \.jpg$ { access_key zone=p from=arg:key; }
location ~ \.png$ { access_key off; }
location ~ \.gif$ { internal; }
location ~ \.webp$ { return 404; }
location ~ \.avif$ { secure_link_hash $arg_t; secure_link_hash_message $uri; secure_link_hash_key k; if ($secure_link_hash = "") { return 403; } }
location ~ \.jpeg$ { auth_basic one; }
location ~ \.pdf$ { allow 192.0.2.1; deny all; }
location ~ \.mp4$ { rewrite ^ /k/all last; }
location ~ \.zip$ { secure_link_hash_require off; }
=== pictures that a regular expression takes from all of a server
location / {
    access_key zone=p from=arg:key; #! warn: "/a.jpg" comes to "location ~ \.(jpg|png)$", where nobody is asked: write "location ^~ /", or "access_key off"
}
location ~ \.(jpg|png)$ { }
=== what is not for all of a server
location / { access_key zone=p from=arg:key; }
location ~ ^/(\d+)x(\d+)/ { }
location ~ ^/thumbs/.*\.jpg$ { }
location /health { return 204; }
=== pictures of a server where all are asked
access_key zone=p from=arg:key;
location /k/ { }
location ~ \.jpg$ { expires 1d; }
=== http: pictures of two servers
server { listen 127.0.0.1:1; location /k/ { access_key zone=p from=arg:key; } }
server { listen 127.0.0.1:2; location ~ \.jpg$ { expires 1d; } }
=== files that nobody signs
location = /a {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "alias" reads "$arg_file", which it does not sign: whoever has one link has all files
    secure_link_hash_key k;
    secure_link_hash_require on;
    alias /data/$arg_file;
}
location /b/ {
    secure_link_hash $cookie_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e"; #! warn: "root" reads "$http_x_tenant"
    secure_link_hash_key k;
    secure_link_hash_require on;
    root /data/$http_x_tenant;
}
location ~ ^/c/(\w+)/(.*)$ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "/c/$1|$arg_e"; #! warn: "alias" reads "$2"
    secure_link_hash_key k;
    secure_link_hash_require on;
    alias /data/$1/$2;
}
location = /d {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$arg_e";
    secure_link_hash_key k;
    secure_link_hash_require on;
    access_key_redirect /un/$arg_file; #! warn: it reads "$arg_file", which links here do not sign: whoever has one link has all files
}
location = /e {
    access_key zone=p from=arg:key;
    access_key_redirect $arg_to; #! warn: whoever asks chooses by "$arg_to" where it leads, to any internal location: write a folder before it
}
location ^~ /un/ { internal; }
=== http: files that somebody signs
map $arg_file $file { default $arg_file; }
server {
    listen 127.0.0.1:1;
    secure_link_hash_key k;
    secure_link_hash_require on;
    location = /a { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$arg_file|$arg_e"; alias /data/$arg_file; }
    location = /b { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$secure_link_hash_request_uri|$arg_e"; alias /data/$arg_file; }
    location /c/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$arg_e"; root /data/$http_host; }
    location = /d { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$file|$arg_e"; alias /data/$arg_file; }
    location = /e { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$arg_file|$arg_e"; access_key_redirect /un/$arg_file; }
    location = /f { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$arg_to|$arg_e"; access_key_redirect $arg_to; }
    location ~ ^/g/(.*)$ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$arg_e"; alias /data/$1; }
    location ~ ^/i/(.*)$ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message $arg_e; secure_link_hash_prefix on; alias /data/$1; }
    location = /h { secure_link_hash_require off; access_key zone=p from=arg:key; access_key_redirect /un/$arg_file; }
    location ^~ /un/ { secure_link_hash_require off; internal; }
}
=== what answers in place of a redirect
location /a/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$uri; #! emerg: another directive, such as "proxy_pass", answers the requests of this location
    proxy_pass http://127.0.0.1:1;
}
location /un/ { internal; }
=== what answers in place of a status
location /a/ {
    access_key_status json; #! emerg: another directive, such as "proxy_pass", answers the requests of this location
    proxy_pass http://127.0.0.1:1;
}
=== what answers in place of another status
location /a/ {
    image_resize_status json; #! emerg: another directive, such as "proxy_pass", answers the requests of this location
    proxy_pass http://127.0.0.1:1;
}
=== a redirect beside others that answer within
location /a/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$uri;
    if ($arg_x) { proxy_pass http://127.0.0.1:1; }
    location /a/b/ { proxy_pass http://127.0.0.1:1; }
}
location /un/ { internal; }
=== signatures where a regular expression has the path
location ~ ^/c/ {
    image_resize_url imgproxy;
    image_resize_allow all;
    secure_link_hash_format imgproxy; #! warn: all links are refused: "c" stands where imgproxy has the signature, as no regular expression is a part of the path that is left out: write "location /c/"
    secure_link_hash_key salt=s k;
    secure_link_hash_require on;
}
location ~ ^/[^/]+/rs { image_resize_url imgproxy; image_resize_allow all; secure_link_hash_format imgproxy; secure_link_hash_key salt=s k; secure_link_hash_require on; }
location /d/ { image_resize_url thumbor; image_resize_allow all; secure_link_hash_format thumbor; secure_link_hash_key k; secure_link_hash_require on; }
location ~ ^/e/ { secure_link_hash_format bunny; secure_link_hash_key k; secure_link_hash_require on; }
=== what is taken out for a token
location /a/ {
    secure_link_hash_strip on; #! emerg: "on" is not the name of an argument: list those to take out, as "token expires"
}
=== a token that stays
secure_link_hash_message "$uri|$secure_link_hash_expires";
secure_link_hash_key k;
secure_link_hash_require on;
location /a/ {
    secure_link_hash $arg_token,$arg_expires;
    secure_link_hash_strip md5 expires; #! warn: the token stays in the request, which is the argument "token": add it
}
location /b/ {
    secure_link_hash $arg_token,$arg_expires;
    secure_link_hash_strip arg_token; #! warn: the token stays in the request
}
location /c/ { secure_link_hash $arg_token,$arg_expires; secure_link_hash_strip Token; }
location /d/ { secure_link_hash $arg_token,$arg_expires; secure_link_hash_strip utm_source; }
location /e/ { secure_link_hash $cookie_token,$arg_expires; secure_link_hash_strip expires; }
location /f/ {
    secure_link_hash $arg_token:$arg_expires; #! warn: between token and expiry there has to be a comma, and no space
}
location /g/ { secure_link_hash $arg_one-$arg_two; secure_link_hash_message "$uri"; }
=== key files that editors have written
secure_link_hash $arg_t;
secure_link_hash_message $uri;
secure_link_hash_require on;
location /a/ {
    secure_link_hash_key file=two.key; #! warn: two.key: its lines are one key: write each key into a file of its own
}
location /b/ {
    secure_link_hash_key file=space.key; #! warn: space.key: the space at its beginning or its end is a part of the key: take it away
}
location /c/ {
    secure_link_hash_key salt_file=quoted.key k; #! warn: quoted.key: the quotes around it are a part of the key: take them away
    secure_link_hash_format imgproxy;
}
location /d/ { secure_link_hash_key file=one.key; }
location /e/ { secure_link_hash_key file=random.key; }
=== a key file with a mark
secure_link_hash_key file=mark.key; #! emerg: mark.key: a byte order mark stands before the key: save the file as UTF-8 without one
=== a key file of two bytes a letter
secure_link_hash_key file=wide.key; #! emerg: wide.key: a byte order mark stands before the key
=== http: partners behind a mark
access_key_zone q 128k;
access_key_file q mark.keys; #! emerg: line 1, column 1: a byte order mark: save the file as UTF-8 without one
=== http: a partner with a digest of nothing
access_key_zone q 128k;
access_key_file q nothing.keys; #! emerg: line 1, column 6: a digest of nothing: no request has an empty key
=== images that are not made, or have no bytes
location /a/ {
    image_resize size;
    image_resize_format webp; #! warn: has no effect: "image_resize" makes no image here
}
location /b/ {
    image_resize pad 20000 20000; #! warn: every image is refused: it would have 400000000 pixels
}
location /c/ {
    image_resize resize 10 10;
    image_resize_buffer 16; #! warn: it is 16 bytes, which images are larger than: is "16m" meant?
}
location /d/ { image_resize pad 2000 2000; image_resize_buffer 100k; }
=== a format of what is only described, for the key of a cache
location /a/ { image_resize size; image_resize_format auto=webp; add_header X-Key $image_resize_accept; }
=== images that nothing is made of
location /a/ {
    image_resize resize 10 10; #! warn: makes no image: "return" answers here
    return 200 text;
}
location /b/ { image_resize resize 10 10; return 404; }
location /c/ { image_resize resize 10 10; return 301 /d$uri; }
location /d/ { image_resize resize 10 10; if ($arg_x) { return 200 text; } }
location /e/ { image_resize off; return 200 text; }
=== a prefix of links that have none
secure_link_hash_format bunny;
secure_link_hash_key k;
secure_link_hash_require on;
location /a/ {
    secure_link_hash_prefix on; #! warn: has no effect on links of this kind
}
location /b/ { secure_link_hash_prefix off; }
=== an error page that leads where only keys do
location /k/ {
    access_key zone=p from=arg:key; #! warn: whoever is refused gets it all the same: "error_page 401" leads to "/un$uri", where "access_key_redirect" does
    access_key_redirect /un$access_key_uri;
    error_page 401 = /un$uri;
}
location /un/ { internal; }
=== error pages that lead elsewhere
location /k/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$access_key_uri;
    error_page 401 = /preview$uri;
    error_page 403 /un/denied.html;
    error_page 404 = /un$uri;
}
location /l/ { error_page 401 = /un$uri; }
location /un/ { internal; }
location /preview/ { internal; }
=== groups that there are not
location ~ ^/a/(\d+)/(.*)$ {
    image_resize resize $1 $3; #! warn: "$3" is empty: the regular expression of this location captures 2
    alias /tmp/$2;
}
location ~ ^/b/(\d+)/(.*)$ { image_resize resize $1 $2; }
location ~ ^/c/(\d+)/ { rewrite ^/c/(\d+)/(\d+)/(\d+)/ /x break; image_resize resize $1 $3; }
location ~ \.(?:jpg|png)$ { image_resize resize $1 $2; }
=== links that are handed out
location /a/ { secure_link_hash_message $uri; secure_link_hash_key k; add_header X-Token $secure_link_hash_token; }
=== links that have to be right, and nothing says which are
location /a/ {
    secure_link_hash_require on; #! warn: nothing says what a right link is
}
=== a key for nothing
location /a/ {
    secure_link_hash_key k; #! warn: has no effect: nothing says what a right link is
    secure_link_hash_algorithm md5; #! warn: has no effect
    secure_link_hash_encoding hex; #! warn: has no effect
    secure_link_hash_leeway 1s; #! warn: has no effect
}
=== a token of nothing
location /a/ {
    secure_link_hash $arg_token; #! warn: has no effect
}
=== a message without a key
location /a/ {
    secure_link_hash $arg_token;
    secure_link_hash_message $uri; #! warn: all links are refused: there is no
    secure_link_hash_require on;
}
=== an expiry that is not signed
location /ex/ {
    secure_link_hash $arg_token,$arg_expires;
    secure_link_hash_message "$uri"; #! warn: the expiry of links is not signed
    secure_link_hash_key k;
    secure_link_hash_require on;
}
=== an expiry that is not signed, as secure_link does
location /ex/ {
    secure_link_hash $arg_md5,$arg_expires;
    secure_link_hash_md5 "$uri$remote_addr k"; #! warn: the expiry of links is not signed
    secure_link_hash_require on;
}
=== an expiry that is not signed in a location, of a message of the server
secure_link_hash_message "$uri|$arg_w"; #! warn: the expiry of links is not signed
secure_link_hash_key k;
location /ex/ { secure_link_hash $arg_token,$arg_e; secure_link_hash_require on; }
=== an expiry that is signed, by any name
location /a/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$arg_e"; secure_link_hash_key k; secure_link_hash_require on; }
location /b/ { secure_link_hash $cookie_t,$arg_e; secure_link_hash_message "$request_uri"; secure_link_hash_key k; secure_link_hash_require on; }
location /c/ { secure_link_hash $cookie_t,$arg_e; secure_link_hash_message "$uri?$args"; secure_link_hash_key k; secure_link_hash_require on; }
location /d/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_key k; secure_link_hash_require on; }
=== http: an expiry that a map may sign
map $arg_x $signed { default $arg_e; }
server {
    listen 127.0.0.1:1;
    location /a/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$signed"; secure_link_hash_key k; secure_link_hash_require on; }
}
=== fields of a message that touch
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri$secure_link_hash_expires"; #! warn: "$uri" and "$secure_link_hash_expires" touch
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash $arg_t;
    secure_link_hash_message "$uri|${arg_w}$arg_h"; #! warn: "$arg_w" and "$arg_h" touch
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /c/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_md5 "$uri$arg_e k"; #! warn: "$uri" and "$arg_e" touch
    secure_link_hash_require on;
}
=== fields that touch and can be told apart
location /a/ { secure_link_hash $cookie_t,$arg_e; secure_link_hash_message "$secure_link_hash_expires$uri$is_args$args"; secure_link_hash_key k; secure_link_hash_require on; }
location /b/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$scheme://$host${uri}|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
location /c/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_md5 "$secure_link_hash_expires$uri$remote_addr k"; secure_link_hash_require on; }
=== a start that is not signed
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$secure_link_hash_expires";
    secure_link_hash_key k;
    secure_link_hash_not_before $arg_nbf; #! warn: "$arg_nbf" is not signed
    secure_link_hash_require on;
}
location /b/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$arg_e|$arg_nbf"; secure_link_hash_key k; secure_link_hash_not_before $arg_nbf; secure_link_hash_require on; }
location /c/ { secure_link_hash $cookie_t,$arg_e; secure_link_hash_message "$request_uri"; secure_link_hash_key k; secure_link_hash_not_before $arg_nbf; secure_link_hash_require on; }
=== a message without what is asked for
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$secure_link_hash_expires|$remote_addr"; #! warn: what is asked for is not signed
    secure_link_hash_key k;
    secure_link_hash_require on;
}
=== a message of what is asked for by another name
location /a/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$arg_id|$arg_e"; secure_link_hash_key k; secure_link_hash_require on; }
location /b/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "/b/|$arg_e"; secure_link_hash_key k; secure_link_hash_require on; }
location /c/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$secure_link_hash_expires|"; secure_link_hash_prefix on; secure_link_hash_key k; secure_link_hash_require on; }
=== links that say when they were made, and nobody says how long they last
location /a/ {
    secure_link_hash_format cloudflare; #! warn: there is no "secure_link_hash_max_age"
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash_format alibaba;
    secure_link_hash_max_age 1h;
    secure_link_hash_key k;
    secure_link_hash_require on;
}
=== settings that links of another kind do not go by
location /a/ {
    secure_link_hash $arg_t;
    secure_link_hash_md5 "$uri k";
    secure_link_hash_key k; #! warn: has no effect on links of this kind
    secure_link_hash_algorithm sha256; #! warn: has no effect on links of this kind
    secure_link_hash_encoding hex; #! warn: has no effect on links of this kind
    secure_link_hash_unsigned_args w; #! warn: has no effect on links of this kind
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash_format thumbor;
    secure_link_hash_key salt=s k; #! warn: only links of imgproxy and akamai have a salt
    secure_link_hash_algorithm sha256; #! warn: has no effect on links of this kind
    secure_link_hash_max_age 1h; #! warn: has no effect on links of this kind
    secure_link_hash_require on;
}
location /c/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_unsigned_args w; #! warn: has no effect on links of this kind
    secure_link_hash_require on;
}
location /d/ { secure_link_hash_format imgproxy; secure_link_hash_key salt=s k; secure_link_hash_encoding base64url min=16; secure_link_hash_require on; }
=== a size that a request asks for, and the message leaves out
location /a/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri; #! warn: "image_resize" reads "$arg_w"
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize resize $arg_w -;
}
location /b/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri; #! warn: "image_resize_jpeg_quality" reads "$arg_q"
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize resize 100 -;
    image_resize_jpeg_quality $arg_q;
}
location /c/ { secure_link_hash $arg_t; secure_link_hash_message "$uri|$arg_w"; secure_link_hash_key k; secure_link_hash_require on; image_resize resize $arg_w -; }
location /d/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri; #! warn: "image_resize_watermark" reads "$arg_mark"
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize resize 100 -;
    image_resize_watermark marks/$arg_mark.png;
}
=== presets to allow that there are not
location /a/ {
    image_resize_params $args;
    image_resize_allow width=* preset=*; #! warn: there is no "image_resize_preset" to allow
}
=== http: a preset that nothing asks for
image_resize_preset one w=1; #! warn: has no effect: there is no "image_resize_params"
server { listen 127.0.0.1:1; location / { image_resize resize 10 10; } }
=== settings of images where none is made
location /a/ {
    image_resize test;
    image_resize_jpeg_quality 50; #! warn: has no effect: "image_resize" makes no image here
    image_resize_params $args; #! warn: has no effect: "image_resize" makes no image here
    image_resize_allow width=*;
    image_resize_buffer 1g;
}
location /b/ {
    image_resize size;
    image_resize_sharpen 50; #! warn: has no effect: "image_resize" makes no image here
}
=== a box without sides
location /a/ {
    image_resize resize - -; #! warn: it is the same as "convert"
}
=== memory that no image does with
location /a/ {
    image_resize resize 10 10;
    image_resize_limit memory=512k; #! warn: memory= is less than any image needs
}
location /b/ { image_resize resize 10 10; image_resize_limit memory=2g; }
=== http: a zone that no location asks
access_key_zone q 128k; #! warn: no location has "access_key zone=q"
access_key_file q keys;
server { listen 127.0.0.1:1; }
=== a variable where a name is meant
location /st/ {
    secure_link_hash_strip $arg_token; #! emerg: is "token" meant?
}
=== a pair where a name is meant
location /st/ {
    secure_link_hash_strip token=; #! emerg: is "token" meant?
}
=== names to be taken out
location /st/ { secure_link_hash_strip token expires; }
location /of/ { secure_link_hash_strip off; }
=== a preset that is not there
location /pr/ {
    image_resize_params $args;
    image_resize_allow width=1 preset=thumbs; #! emerg: there is no preset "thumbs"
}
=== http: one preset of two that is not there
image_resize_preset one w=1;
server {
    listen 127.0.0.1:1;
    location /pr/ {
        image_resize_params $args;
        image_resize_allow preset=one,two; #! emerg: there is no preset "two"
    }
}
=== http: a preset that comes later
server { listen 127.0.0.1:1; location /pr/ { image_resize_params $args; image_resize_allow preset=one; } }
image_resize_preset one w=1;
=== parameters that are the same each time, and never allowed
location /pa/ {
    image_resize resize 10 10;
    image_resize_params width=10; #! warn: all parameters are refused
}
=== http: a preset that every request names, and that there is not
image_resize_preset one w=1;
server {
    listen 127.0.0.1:1;
    location /pr/ {
        image_resize resize 10 10;
        image_resize_params preset=none; #! warn: every request is refused: bad parameter: there is no preset "none"
    }
}
=== a pool of threads that is nowhere defined
location /th/ {
    image_resize resize 10 10;
    image_resize_threads nopool; #! emerg: nopool
    image_resize_sharpen 1;
}
=== parameters of which none is allowed
location /pa/ {
    image_resize_params $args; #! warn: all parameters are refused
}
=== http: parameters that only name presets
image_resize_preset one w=1;
server { listen 127.0.0.1:1; location /pa/ { image_resize_params $args; } }
=== what is allowed where nobody asks
location /al/ {
    image_resize resize 10 10;
    image_resize_allow width=*; #! warn: has no effect: there is no "image_resize_params" or "image_resize_url" here
}
=== settings of images that nobody makes
location /se/ {
    image_resize_buffer 1m; #! warn: has no effect: there is no "image_resize" here
    image_resize_jpeg_quality 50; #! warn: has no effect
    image_resize_webp_quality 50; #! warn: has no effect
    image_resize_avif_quality 50; #! warn: has no effect
    image_resize_png_compression best; #! warn: has no effect
    image_resize_interlace on; #! warn: has no effect
    image_resize_background red; #! warn: has no effect
    image_resize_sharpen 1; #! warn: has no effect
    image_resize_limit pixels=1m; #! warn: has no effect
    image_resize_metadata keep; #! warn: has no effect
    image_resize_format webp; #! warn: has no effect
    image_resize_on_error original; #! warn: has no effect
    image_resize_threads off; #! warn: has no effect
}
=== settings where the mode is off
location /off/ {
    image_resize off;
    image_resize_interlace on; #! warn: has no effect
}
=== settings for a location within, and those of a server
image_resize_interlace on;
location /a/ { image_resize_jpeg_quality 50; location /a/b/ { image_resize resize 10 10; } }
location /c/ { image_resize_params "w=10"; image_resize_allow width=*; image_resize_sharpen 1; }
=== a mode that a location within takes over
location /nested/ { image_resize resize 100 100; location ~ ^/nested/big/(.*)$ { alias /tmp/$1; } }
=== settings of a block of if
location /a/ { image_resize resize 10 10; image_resize_jpeg_quality 50; if ($arg_q) { set $q 1; } }
=== a format for the key of a cache
location /c/ { image_resize_format auto=webp; add_header X-Key $image_resize_accept; }
=== a colour without a #
location /hx/ { image_resize pad 10 10 background=ffcc00; }
=== a fallback that resizes
location /try/ { try_files $uri @r; }
location @r { rewrite ^/try/(.*)$ /$1 break; image_resize resize 50 50; }
=== an error that leads nowhere
location /er/ {
    image_resize resize 10 10;
    image_resize_on_error =@gone; #! emerg: there is no location "@gone" in this server
}
=== an error that leads somewhere
location /er/ { image_resize resize 10 10; image_resize_on_error =@there; }
location @there { internal; }
=== both: two filters in one location
location /two/ {
    image_filter resize 10 10;
    image_resize crop 5 5; #! warn: "image_filter" works in the same location
}
=== both: two filters, one above the other
location /two/ {
    image_filter resize 10 10;
    location /two/a/ {
        image_resize crop 5 5; #! warn: "image_filter" works in the same location
    }
    location /two/b/ { image_filter off; image_resize crop 5 5; }
}
=== both: two filters, each in its place
location /a/ { image_filter resize 10 10; }
location /b/ { image_resize resize 10 10; }
location /c/ { image_filter test; image_resize off; }
=== images that links of another image server choose by their arguments
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$secure_link_hash_expires"; #! warn: "image_resize_url" reads arguments, which it does not sign: all links that have any are refused; add "$secure_link_hash_request_uri"
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize_url imgix;
    image_resize_allow width=*;
}
location /b/ { secure_link_hash $arg_t; secure_link_hash_message "$uri|$arg_w"; secure_link_hash_key k; secure_link_hash_require on; image_resize_url weserv; image_resize_allow width=*; }
location /c/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_key k; secure_link_hash_require on; image_resize_url ipx; image_resize_allow width=*; }
location /d/ { secure_link_hash $arg_t; secure_link_hash_message "$secure_link_hash_request_uri"; secure_link_hash_key k; secure_link_hash_require on; image_resize_url imgix; image_resize_allow width=*; }
location /e/ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_unsigned_args utm_source; secure_link_hash_key k; secure_link_hash_require on; image_resize_url imgix; image_resize_allow width=*; }
=== links of another image server whose address is signed in part
location ~ ^/a/(?<o>[^/]+)/(?<f>.+) {
    secure_link_hash $arg_t;
    secure_link_hash_message "$f/"; #! warn: "image_resize_url" reads the path, which it signs in part at most: add "$secure_link_hash_request_uri"
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize_url ipx;
    image_resize_allow width=*;
}
location /b/ {
    secure_link_hash $arg_t;
    secure_link_hash_message "$uri|$arg_w"; #! warn: "image_resize_url" reads the address as it came, which it does not sign: add "$secure_link_hash_request_uri", or "secure_link_hash_require on"
    secure_link_hash_key k;
    image_resize_url imgix;
    image_resize_allow width=*;
    if ($secure_link_hash = "") { return 403; }
}
location = /c { secure_link_hash $arg_t; secure_link_hash_message "$arg_url|$arg_w"; secure_link_hash_key k; secure_link_hash_require on; image_resize_url weserv; image_resize_allow width=*; }
=== an address without token and expiry holds no expiry
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$secure_link_hash_request_uri"; #! warn: the expiry of links is not signed
    secure_link_hash_key k;
    secure_link_hash_require on;
}
=== tokens that hold no secret
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_md5 "$secure_link_hash_expires$uri"; #! warn: there is no secret in it, so anybody can make links: add one, best by "secure_link_hash_message" and "secure_link_hash_key"
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$uri|$secure_link_hash_expires"; #! warn: there is no secret in it, so anybody can make links
    secure_link_hash_algorithm sha256;
    secure_link_hash_require on;
}
=== tokens with a secret, wherever it is
set $word secret;
location /a/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_md5 "$secure_link_hash_expires$uri $word"; secure_link_hash_require on; }
location /b/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$secure_link_hash_expires|secret"; secure_link_hash_algorithm sha256; secure_link_hash_require on; }
location /c/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$secure_link_hash_expires"; secure_link_hash_algorithm sha256; secure_link_hash_key k; secure_link_hash_require on; }
=== names of files that are keys
secure_link_hash $arg_t;
secure_link_hash_message $uri;
secure_link_hash_require on;
location /a/ {
    secure_link_hash_key /etc/nginx/links.key; #! warn: the name of a file is the key, not what the file holds: write "file=" before it
}
location /b/ {
    secure_link_hash_key File=links.key; #! warn: write "file=" before it
}
location /c/ {
    secure_link_hash_key id=1 keys; #! warn: write "file=" before it
}
location /d/ { secure_link_hash_key /Zm9v+YmFy/cXV4; }
location /e/ { secure_link_hash_key file=one.key; }
=== an expiry by the name that nginx has for it
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$secure_link_expires|$uri"; #! warn: "$secure_link_expires" is empty without "secure_link", so the expiry is not signed: write "$secure_link_hash_expires"
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ { secure_link $arg_t,$arg_e; secure_link_md5 "$secure_link_expires$uri k"; secure_link_hash $arg_t,$arg_e; secure_link_hash_md5 "$secure_link_expires$uri k"; secure_link_hash_require on; }
=== arguments that nobody signs, and images go by
location /a/ {
    secure_link_hash_format imgproxy;
    secure_link_hash_key salt=s k;
    secure_link_hash_unsigned_args *; #! warn: whoever has a link chooses what is made of an image: list no argument that "image_resize_params" reads
    secure_link_hash_require on;
    image_resize_params $args;
    image_resize_allow width=*;
}
location /b/ {
    secure_link_hash_format thumbor;
    secure_link_hash_key k;
    secure_link_hash_unsigned_args utm_source w; #! warn: list no argument that "image_resize" reads
    secure_link_hash_require on;
    image_resize resize $arg_w -;
}
location /c/ {
    secure_link_hash_format imgproxy; #! warn: a link has a signature of imgproxy before its path, which "image_resize_url imgix" takes for a part of that
    secure_link_hash_key salt=s k;
    secure_link_hash_unsigned_args *; #! warn: list no argument that "image_resize_url" reads
    secure_link_hash_require on;
    image_resize_url imgix;
    image_resize_allow width=*;
}
location /d/ { secure_link_hash_format imgproxy; secure_link_hash_key salt=s k; secure_link_hash_unsigned_args utm_source; secure_link_hash_require on; image_resize_params $args; image_resize_allow width=*; }
location /e/ { secure_link_hash_format imgproxy; secure_link_hash_key salt=s k; secure_link_hash_unsigned_args *; secure_link_hash_require on; image_resize_url imgproxy; image_resize_allow width=*; }
location /f/ { secure_link_hash_format imgix; secure_link_hash_key k; secure_link_hash_unsigned_args *; secure_link_hash_require on; image_resize_params $args; image_resize_allow width=*; }
=== a size that the path holds, and the message leaves out
location ~ ^/a/(?<w>\d+)/(?<f>.*)$ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$f|$secure_link_hash_expires"; #! warn: "image_resize" reads "$w", which it does not sign
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize resize $w -;
}
location ~ ^/b/(\d+)/(.*)$ {
    secure_link_hash $arg_t;
    secure_link_hash_message "/b/$2"; #! warn: "image_resize" reads "$1", which it does not sign
    secure_link_hash_key k;
    secure_link_hash_require on;
    image_resize resize $1 -;
}
location ~ ^/c/(?<s>\d+)/.*$ { secure_link_hash $arg_t; secure_link_hash_message "$uri"; secure_link_hash_key k; secure_link_hash_require on; image_resize resize $s -; }
location ~ ^/d/(?<x>(?<y>\d+)/.*)$ { secure_link_hash $arg_t; secure_link_hash_message "/$x"; secure_link_hash_key k; secure_link_hash_require on; image_resize resize $y -; }
location ~ ^/e/(?<v>\d+)/(?<g>[^(]*)\)$ { set $all "$v/$g"; secure_link_hash $arg_t; secure_link_hash_message "/$all"; secure_link_hash_key k; secure_link_hash_require on; image_resize resize $v -; }
=== a message of a location that is one file
location = /one.zip { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "one.zip|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
=== links of which nothing says where their token is
location /a/ {
    secure_link_hash_message $uri; #! warn: all links are refused: there is no "secure_link_hash", which says where the token is
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash arg_t,arg_e; #! warn: "arg_t,arg_e" holds no variable, so it is the token of every link
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /c/ {
    secure_link_hash "$arg_t $arg_e"; #! warn: between token and expiry there has to be a comma, and no space
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /d/ {
    secure_link_hash "$arg_t, $arg_e"; #! warn: all links are refused: behind the comma there has to be no space
    secure_link_hash_message "$secure_link_hash_expires|$uri";
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /e/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$secure_link_hash_expires|$uri";
    secure_link_hash_key k;
    secure_link_hash_require on;
    secure_link_hash_strip "t e"; #! warn: "t e" is no argument that there is: several stand side by side, without quotes around them
}
=== keys that are written as those of others have them
location /a/ {
    secure_link_hash_format akamai;
    secure_link_hash_key 52a152a152a152a152a152a152a152a1; #! warn: akamai reads its keys as hexadecimal: write "hex:" before it
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash_format google;
    secure_link_hash_key id=k nZtRohdNF9m3cKM24IcK4w==; #! warn: google reads its keys as base64: write "base64:" before it
    secure_link_hash_require on;
}
location /c/ {
    secure_link_hash_format google;
    secure_link_hash_key base64:nZtRohdNF9m3cKM24IcK4w==; #! warn: there is no "id=", and links of google name their key
    secure_link_hash_require on;
}
=== keys that are written as they are meant
location /a/ { secure_link_hash_format akamai; secure_link_hash_key hex:52a152a152a152a152a152a152a152a1; secure_link_hash_require on; }
location /b/ { secure_link_hash_format akamai; secure_link_hash_key "a secret"; secure_link_hash_require on; }
location /c/ { secure_link_hash_format google; secure_link_hash_key id=k base64:nZtRohdNF9m3cKM24IcK4w==; secure_link_hash_require on; }
location /d/ { secure_link_hash_format thumbor; secure_link_hash_key 52a152a152a152a152a152a152a152a1; secure_link_hash_require on; }
=== what says where a token is for another location
secure_link_hash_message $uri;
secure_link_hash_key k;
secure_link_hash_require on;
location /a/ { secure_link_hash $arg_t; }
location /b/ { secure_link_hash $cookie_t; location /b/b/ { } }
location /c/ { secure_link_hash_require off; return 200 $secure_link_hash_token; }
=== a guard that everybody passes
location /a/ {
    satisfy any;
    allow all;
    access_key zone=p from=arg:key; #! warn: nobody is asked: "satisfy any" and "allow all" let everybody in; take one away
}
location /b/ {
    satisfy any;
    deny 192.0.2.1;
    allow all;
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on; #! warn: nobody is asked: "satisfy any"
}
=== http: auth_request asks for a link that a subrequest does not have
secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$secure_link_hash_expires"; secure_link_hash_key k;
server {
    listen 127.0.0.1:8;
    location /a/ { auth_request /check; }
    location = /check {
        internal;
        secure_link_hash_require on; #! warn: "auth_request /check" asks here without a link, so that all are refused: write it where that stands
    }
    location /b/ { secure_link_hash_require on; auth_request /asked; }
    location /asked { internal; secure_link_hash_require on; }
    location /c/ { auth_request /asked/open; }
    location /asked/open { internal; secure_link_hash_require off; }
    location /d/ { auth_request off; }
}
server { listen 127.0.0.1:7; location /a/ { auth_request /asked; } location / { } }
=== a guard that some pass
location /a/ { satisfy any; allow 192.0.2.0/24; deny all; access_key zone=p from=arg:key; }
location /b/ { satisfy any; deny all; allow all; access_key zone=p from=arg:key; }
location /c/ { satisfy all; allow all; access_key zone=p from=arg:key; }
location /d/ { satisfy any; access_key zone=p from=arg:key; }
location /e/ { allow all; access_key zone=p from=arg:key; }
=== a guard of a server that locations leave open
access_key zone=p from=arg:key; #! warn: in "location /a/" nobody is asked: "satisfy any" and "allow all" let everybody in; take one away, or "access_key off" there if that is meant #! warn: in "location ~ ^/b/" nobody is asked: "return" answers before #! warn: in "location /d/" nobody is asked where "rewrite"
location /a/ { satisfy any; allow all; location /a/a/ { } }
location ~ ^/b/ { return 200 secret; }
location /d/ { rewrite ^/d/(.*)$ /open/$1 last; }
location /open/ { internal; access_key off; }
=== a guard of a server that none of its locations has
access_key zone=p from=arg:key; #! warn: nobody is asked: "satisfy any"
satisfy any;
allow all;
location /a/ { }
location /b/ { location /b/b/ { } }
=== a guard of an outer location
location /a/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on; #! warn: in "location /a/b/" nobody is asked: "return" answers before; "try_files /nothing =STATUS" comes after, or "secure_link_hash_require off" there #! warn: in "location /a/d/" nobody is asked: "satisfy any"
    location /a/b/ { return 302 https://cdn.example/secret; }
    location /a/d/ { satisfy any; allow all; }
}
=== a guard of a server that its locations keep
access_key zone=p from=arg:key;
return 301 https://$host$request_uri;
location = /health { return 200 fine; }
location /c/ { access_key off; return 204; }
location ~ /\.ht { return 404; }
location /d/ { return 301 /e/; }
location /e/ { return 301 https://example.com$request_uri; }
location /f/ { rewrite ^/f/(.*)$ /g/$1 last; }
location /g/ { satisfy all; allow all; }
location /h/ { rewrite ^/h/(.*)$ $1 last; }
location /i/ { satisfy any; allow 192.0.2.1; deny all; }
location /gone/ { internal; return 200 gone; }
location @gone { return 200 gone; }
=== a server that hears no header of a key
access_key zone=p from=header:X_K; #! warn: nginx drops headers whose names have a "_"
location /a/ { }
location /b/ { }
=== links of a server without a key
secure_link_hash $arg_t,$arg_e;
secure_link_hash_message "$uri|$arg_e"; #! warn: all links are refused in "location /b/": there is no "secure_link_hash_key"
secure_link_hash_require on;
location /a/ { secure_link_hash_key k; }
location /b/ { }
location /c/ { }
location /d/ { secure_link_hash_require off; }
location /e/ { return 404; }
location /f/ { internal; }
=== links of a server that have no place
secure_link_hash_message "$uri|$arg_e"; #! warn: all links are refused in "location /a/": there is no "secure_link_hash", which says where the token is
secure_link_hash_key k;
secure_link_hash_require on;
location /a/ { }
=== links of a server that say when they were made
secure_link_hash_format cloudflare; #! warn: all links are refused in "location /a/": those of cloudflare only say when they were made
secure_link_hash_key k;
secure_link_hash_require on;
location /a/ { }
location /b/ { secure_link_hash_max_age 1h; }
=== http: links of all servers that nothing tells from others
secure_link_hash_require on; #! warn: nothing says what a right link is: all are refused
server { listen 127.0.0.1:1; location /a/ { } }
=== links that nothing tells from others in one location
secure_link_hash_require on; #! warn: in "location /b/" nothing says what a right link is: all are refused
location /a/ { secure_link_hash $arg_t; secure_link_hash_message $uri; secure_link_hash_key k; }
location /b/ { }
location /c/ { deny all; }
location /d/ { return 404; }
=== a guard behind an answer
location /a/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked: "return" answers before
    return 200 secret;
}
location /b/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on; #! warn: nobody is asked: "return" answers before
    return 302 /x;
}
location /c/ { access_key zone=p from=arg:key; if ($request_method = POST) { return 405; } }
location /d/ { access_key zone=p from=arg:key; rewrite ^/d/(.*)$ /x/$1 break; }
location /e/ { access_key zone=p from=arg:key; set $a b; }
location /f/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked: "return" answers before
    set $a b;
    return 200 secret;
}
location /g/ { access_key zone=p from=arg:key; break; return 200 never; }
=== a guard behind a rewrite that leaves the location
location /files/ { internal; }
location /a/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite" leads to another location: write "break" behind it, or have that location ask
    rewrite ^/a/(.*)$ /files/$1 last;
}
location /b/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on; #! warn: nobody is asked where "rewrite"
    set $a b;
    rewrite ^/b/(.*)$ /files/$1;
}
location /c/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    if (!-e $request_filename) { rewrite ^ /files/none last; }
}
location /d/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    if ($arg_a ~ ^a) { set $a b; rewrite ^ /files/none; }
    rewrite ^/d/x/ /y break;
}
location /e/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^/e/(.*)$ /files/$1;
    if ($arg_a = "") { break; }
    rewrite ^/files/a /files/b;
}
location ~ ^/f/(?<file>.*)$ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^ /files/$file? last;
}
location /g/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    if ($arg_a) { break; }
    rewrite ^/g/(.*)$ /files/$1 last;
}
=== a rewrite that leads where somebody asks
location /k/ { access_key zone=p from=arg:key; rewrite ^/k/v1/(.*)$ /k/v2/$1 last; }
location /l/ { access_key zone=p from=arg:key; rewrite ^/l/(.*)$ /m/$1 last; rewrite ^ /m/; }
location /m/ { access_key zone=p from=arg:key; }
location /n { access_key zone=p from=arg:key; rewrite ^/n(/.*)$ /m$1 last; }
location ~ ^/o/(?<w>\d+) { access_key zone=p from=arg:key; rewrite ^/o/1/ /o/2/a.jpg?w=$w last; }
location /p/ { access_key zone=p from=arg:key; rewrite ^/p/(.*)$ /q/$1 last; }
location /q/ { auth_basic one; }
=== rewrites that lead where a name is asked for, or is not
auth_basic all;
location /k/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^/k/(.*)$ /q/$1 last;
}
location /l/ { access_key zone=p from=arg:key; rewrite ^/l/(.*)$ /r/$1 last; }
location /m/ { access_key zone=p from=arg:key; rewrite ^/m/(.*)$ /s/$1 last; }
location /q/ { auth_basic off; }
location /r/ { auth_basic offices; }
location /s/ { }
=== rewrites of which one leads where nobody asks
location /k/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^/k/v1/(.*)$ /k/v2/$1 last;
    rewrite ^/k/v3/(.*)$ /open/$1 last;
}
location /l/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^/l/(.*)$ /$1 last;
}
location /m/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked where "rewrite"
    rewrite ^/m/(.*)$ $1 last;
}
location /n/ {
    access_key zone=p from=arg:key; #! warn: nobody is asked: "return" answers before
    rewrite ^/n/v1/(.*)$ /n/v2/$1 last;
    return 200 secret;
}
location /open/ { internal; }
=== a width that nobody listens to
location /a/ {
    image_resize resize auto -; #! warn: "auto" is no width: there is no "image_resize_hints on" here
}
location /b/ { image_resize resize auto -; image_resize_hints on; }
location /c/ { image_resize resize auto -; image_resize_hints off; }
=== a guard that no rewrite leads past
rewrite ^/old/(.*)$ /a/$1 last;
location /a/ { access_key zone=p from=arg:key; rewrite ^/a/(.*)$ /x/$1; rewrite ^/x/y$ /x/z; break; }
location /b/ { access_key zone=p from=arg:key; rewrite ^/b/(.*)$ /x/$1; rewrite ^ /y$uri break; }
location /c/ { access_key zone=p from=arg:key; rewrite ^/c/(.*)/$ /c/$1 permanent; }
location /d/ { access_key zone=p from=arg:key; rewrite ^/d/(.*)/$ https://x/$1; }
location /e/ { access_key zone=p from=arg:key; if ($arg_a) { rewrite ^ /x; break; } }
location /f/ { access_key zone=p from=arg:key; break; rewrite ^ /x last; }
location /g/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on;
    if ($secure_link_hash = "") { return 403; }
    rewrite ^/g/(.*)$ /x/$1 last;
}
location /h/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    secure_link_hash_require on;
    if ($secure_link_hash_reason !~ ^(|ok)$) { rewrite ^ /denied last; }
}
location /i/ {
    access_key zone=p from=arg:key;
    if ($access_key_id = "") { rewrite ^ /denied last; }
    try_files $uri /i/none;
    error_page 404 = /x;
}
location /j/ {
    secure_link_hash $arg_t;
    secure_link_hash_message $uri;
    secure_link_hash_key k;
    if ($secure_link_hash = "") { return 403; }
    rewrite ^/j/(.*)$ /x/$1 last;
}
=== a redirect that leads nowhere
location /c/ {
    access_key zone=p from=arg:key;
    access_key_redirect /zzz$uri; #! warn: "/zzz" leads to no location of this server: there has to be an internal one
}
=== redirects to a location that begins with more, and to one by a regular expression
location /c/ { access_key zone=p from=arg:key; access_key_redirect /zzz$uri; }
location /zzz/c/ { internal; }
location /d/ { access_key zone=p from=arg:key; access_key_redirect /yyy$uri; }
location ~ ^/yyy { internal; }
=== a redirect that leads to itself
location / {
    access_key zone=p from=arg:key;
    access_key_redirect $uri; #! warn: leads to this very location, and so to an error: write where the originals are before it
}
location /d/ { access_key zone=p from=arg:key; rewrite ^/d/(.*)$ /un/$1 break; access_key_redirect $uri; }
location /un/ { internal; }
=== a key in a header that nginx drops
location /a/ {
    access_key zone=p from=header:X_Api_Key; #! warn: nginx drops headers whose names have a "_": write a "-", or set "underscores_in_headers on"
}
=== a key in a header that nginx does not drop
underscores_in_headers on;
location /a/ { access_key zone=p from=header:X_Api_Key; }
=== http: results of images that nobody makes
image_resize_cache_path cache keys_zone=c:1m;
server {
    listen 127.0.0.1:1;
    location /a/ {
        image_resize_cache c; #! warn: has no effect: no image is made here
    }
}
=== http: results that nobody keeps
image_resize_cache_path one keys_zone=one:1m; #! warn: no location has "image_resize_cache one"
image_resize_cache_path two keys_zone=two:1m;
server { listen 127.0.0.1:1; image_resize_cache two; location /a/ { image_resize resize 10 10; } }
=== http: results that may be kept in any
image_resize_cache_path one keys_zone=one:1m;
image_resize_cache_path two keys_zone=two:1m;
server { listen 127.0.0.1:1; location /a/ { image_resize resize 10 10; image_resize_cache $http_x_zone; } }
=== http: one key for all images
image_resize_cache_path cache keys_zone=c:1m;
server {
    listen 127.0.0.1:1;
    image_resize_cache c;
    location /a/ {
        image_resize resize 10 10;
        image_resize_cache_key images; #! warn: holds no variable, so what was made of one image is the answer for all: add "$uri"
    }
    location = /a.jpg { image_resize resize 10 10; image_resize_cache_key a; }
    location /b/ { image_resize resize 10 10; image_resize_cache_key $uri; }
}
=== names of parameters that are not allowed
location /a/ {
    image_resize_params "width=$arg_w&quality=$arg_q"; #! warn: "quality" is refused, whatever it is: there is no "image_resize_allow quality=" here
    image_resize_allow width=*;
}
location /b/ { image_resize_params "w=$arg_w,$args"; image_resize_allow width=*; location /b/b/ { } }
location /c/ { image_resize_params "w=$arg_w/h=$arg_h"; image_resize_allow all; }
location /d/ { image_resize_params "$args&w=$arg_w&${arg_x}q=$arg_q"; image_resize_allow width=*; }
=== a status that is an image
location /a/ {
    image_resize_status json;
    image_resize resize 10 10; #! warn: has no effect: "image_resize_status" answers here
}
location /b/ { image_resize resize 10 10; location /b/status { image_resize_status json; } }
=== images of more pixels than there may be
location /a/ {
    image_resize stretch 60000 60000; #! warn: every image is refused: it would have 3600000000 pixels, and "image_resize_limit" has output_pixels=80000000
}
location /b/ { image_resize stretch 60000 10; }
location /c/ { image_resize resize 60000 60000; }
location /d/ { image_resize stretch $arg_w 60000; }
location /e/ { image_resize stretch 10000 10000; image_resize_limit output_pixels=100m; }
=== slices of what images are made of
location /a/ {
    slice 1m;
    proxy_set_header Range $slice_range;
    proxy_pass http://127.0.0.1:1;
    image_resize resize 10 10; #! warn: "slice" works in the same location: sources come in parts, of which no image is made: take it away
}
location /b/ { slice 1m; proxy_set_header Range $slice_range; proxy_pass http://127.0.0.1:1; }
location /c/ { slice 0; proxy_pass http://127.0.0.1:1; image_resize resize 10 10; }
=== slices of a server, for another location than that of images
slice 1m;
location /a/ { proxy_set_header Range $slice_range; proxy_pass http://127.0.0.1:1; }
location /b/ { image_resize resize 10 10; }
=== slices that nothing asks for
location /a/ { slice 1m; image_resize resize 10 10; }
=== images where a redirect answers
location /a/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un$uri;
    image_resize resize 10 10; #! warn: has no effect: "access_key_redirect" answers here; put it where that leads
}
location /b/ { access_key zone=p from=arg:key; image_resize off; access_key_redirect /un$uri; }
location /c/ { image_resize resize 10 10; location /c/c/ { access_key zone=p from=arg:key; access_key_redirect /un$uri; } }
location /d/ { access_key zone=p from=arg:key; image_resize_url ipx; image_resize_allow all; access_key_redirect /un$image_resize_source; }
location /un/ { internal; image_resize resize 10 10; }
=== numbers of a regular expression that rewrite has captured anew
location ~ ^/a/(\d+)/(\d+)/(.*)$ {
    rewrite ^/a/\d+/\d+/(.*)$ /$1 break;
    image_resize resize $1 $2; #! warn: "$1" is what "rewrite" captured, and not this location: give its part a name, as in (?<width>...)
}
location ~ "^/b/([0-9]{1,4})/(.*)$" {
    rewrite ^/b/[0-9]+/ /x break;
    image_resize resize 10 -;
    image_resize_jpeg_quality $1; #! warn: "$1" is what "rewrite" captured
}
=== numbers of a regular expression that are those of rewrite, or stay
location ~ ^/a/(?<width>\d+)/(.*)$ { rewrite ^/a/\d+/(.*)$ /$1 break; image_resize resize $width -; }
location ~ ^/b/(\d+)/ { rewrite ^/b/(\d+)/(.*)$ /$2 break; image_resize resize $1 -; }
location ~ \.(jpg|png)$ { rewrite ^/c/(.+)/(.*)$ /$2 break; image_resize resize $1 -; }
location /d/ { rewrite ^/d/(\d+)/(.*)$ /$2 break; image_resize resize $1 -; }
location ~ ^/e/(\d+)/(.*)$ { rewrite ^/e/old/(.*)$ /e/1/$1 last; image_resize resize $1 -; }
location ~ ^/f/(\d+)/(.*)$ { alias /tmp/$2; image_resize resize $1 -; }
location ~ ^/g/(\d+)/(.*)$ { set $w $1; if ($arg_x) { return 404; } image_resize resize $w -; }
=== what is signed holds the token
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_message "$request_uri|$secure_link_hash_expires"; #! warn: all links are refused: "$request_uri" holds the token, as "t" is an argument: write "$secure_link_hash_request_uri"
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_md5 "$secure_link_hash_expires$uri$is_args$args k"; #! warn: "$args" holds the token, as "t" is an argument
    secure_link_hash_require on;
}
location /c/ { secure_link_hash $cookie_t,$arg_e; secure_link_hash_message "$request_uri|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
location /d/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
=== a prefix, and a message of one file
location /a/ {
    secure_link_hash $arg_t,$arg_e;
    secure_link_hash_prefix on;
    secure_link_hash_message "$uri|$secure_link_hash_expires"; #! warn: "$uri" is in it, so that a link is for one file, and not for all below its prefix: take it away
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_prefix on; secure_link_hash_message "$remote_addr|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
=== an expiry before its token
location /a/ {
    secure_link_hash $arg_expires,$arg_token; #! warn: the token stands first, and then a comma and the expiry
    secure_link_hash_message "$uri|$arg_expires|$arg_token";
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ { secure_link_hash $arg_token,$arg_expires; secure_link_hash_message "$uri|$secure_link_hash_expires"; secure_link_hash_key k; secure_link_hash_require on; }
=== keys of imgproxy that are not written as its own
location /a/ {
    secure_link_hash_format imgproxy;
    secure_link_hash_key salt=hex:520f 943b421c9eb07c830af81030552c86009268de4e; #! warn: imgproxy reads its keys as hexadecimal: write "hex:" before it
    secure_link_hash_require on;
}
location /b/ {
    secure_link_hash_format imgproxy;
    secure_link_hash_key hex:943b421c9eb07c830af81030552c86009268de4e; #! warn: there is no "salt=", and imgproxy signs with one
    secure_link_hash_require on;
}
location /c/ { secure_link_hash_format imgproxy; secure_link_hash_key salt=hex:520f hex:943b421c9eb07c830af81030552c86009268de4e; secure_link_hash_require on; }
location /d/ { secure_link_hash_format thumbor; secure_link_hash_key 943b421c9eb07c830af81030552c86009268de4e; secure_link_hash_require on; }
location /e/ { secure_link_hash $arg_t,$arg_e; secure_link_hash_message "$uri|$secure_link_hash_expires"; secure_link_hash_key 943b421c9eb07c830af81030552c86009268de4e; secure_link_hash_require on; }
=== signatures of another image server
location /a/ {
    image_resize_url imgproxy;
    image_resize_allow all;
    secure_link_hash_format thumbor; #! warn: a link has a signature of thumbor before its path, which "image_resize_url imgproxy" takes for a part of that
    secure_link_hash_key k;
    secure_link_hash_require on;
}
location /b/ { image_resize_url thumbor; image_resize_allow all; secure_link_hash_format thumbor; secure_link_hash_key k; secure_link_hash_require on; }
location /c/ { image_resize_url imgproxy; image_resize_allow all; secure_link_hash_format bunny; secure_link_hash_key k; secure_link_hash_require on; }
=== http: a message of one's own, and links of others above
secure_link_hash_format bunny;
secure_link_hash_key k;
secure_link_hash_require on;
server {
    listen 127.0.0.1:1;
    location /a/ {
        secure_link_hash_message "$uri|$arg_expires"; #! warn: has no effect on links of "secure_link_hash_format", and nothing hands out $secure_link_hash_token: is "secure_link_hash_format plain" missing?
    }
}
=== http: a message of which links of others are made
secure_link_hash_format bunny;
secure_link_hash_key k;
server {
    listen 127.0.0.1:1;
    location /a/ { secure_link_hash_require on; }
    location = /link { secure_link_hash_message "$uri|$arg_expires"; add_header X-Token $secure_link_hash_token; }
}
=== links that are made to last, and nothing says how long
location = /a {
    secure_link_hash_message "$arg_f|$secure_link_hash_until"; #! warn: "$secure_link_hash_until" is empty: there is no "secure_link_hash_lifetime"
    secure_link_hash_key k;
    return 302 /f?t=$secure_link_hash_token;
}
=== links that are made to last
location = /a { secure_link_hash_lifetime 1h; secure_link_hash_message "$arg_f|$secure_link_hash_until"; secure_link_hash_key k; return 302 /f?t=$secure_link_hash_token; }
=== http: a key file without partners
access_key_zone q 128k;
access_key_file q nobody.keys; #! warn: no partner in it: all keys are refused
server { listen 127.0.0.1:1; location / { access_key zone=q from=arg:key; } }
=== a quota for ever that is forgotten
location /a/ {
    access_key zone=p from=arg:key;
    access_key_quota requests=5 per=day;
    access_key_quota bytes=5g per=total; #! warn: "per=total" begins anew whenever nginx starts: add "state=" to "access_key_zone p"
}
=== http: a quota for ever that is kept
access_key_zone q 128k state=kept/state;
access_key_file q keys;
server { listen 127.0.0.1:1; access_key_quota requests=5 per=total; location / { access_key zone=q from=arg:key; } }
=== redirects to a folder, and to what is asked for
location /a/ {
    access_key zone=p from=arg:key;
    access_key_redirect /un/; #! warn: all requests are led to "/un/" itself: write "/un$access_key_uri"
}
location = /b { access_key zone=p from=arg:key; access_key_redirect /un/; }
location /c/ { access_key zone=p from=arg:key; access_key_redirect /un/all.zip; }
location /d/ {
    access_key zone=p from=arg:key;
    access_key_redirect $access_key_uri; #! warn: leads to this very location
}
location /e/ { access_key zone=p from=uri:2; access_key_redirect $access_key_uri; }
location /un/ { internal; }
=== alerts that nothing answers
access_key zone=p from=arg:key;
location /a/ {
    access_key_alert 80% /nope; #! warn: "/nope" leads to no location of this server
}
location /b/ { access_key_alert 80% /alert; }
location = /alert { internal; }
=== limits that can only be a slip
location /a/ {
    image_resize resize 10 10;
    image_resize_limit pixels=50; #! warn: pixels= is 50 pixels, not more: is "pixels=50m" meant?
}
location /b/ {
    image_resize resize 10 10;
    image_resize_limit time=10000; #! warn: time= is 10000 seconds: is "time=10000ms" meant?
}
location /c/ { image_resize resize 10 10; image_resize_limit pixels=50m time=60s; }
=== widths that nothing asks for
location /a/ {
    image_resize resize 10 10;
    image_resize_hints on widths=320,640; #! warn: widths= has no effect: no width is "auto" here
}
location /b/ { image_resize resize auto -; image_resize_hints on widths=320,640; }
location /c/ { image_resize_params $args; image_resize_allow all; image_resize_hints on widths=320,640; }
location /d/ { image_resize resize $arg_w -; image_resize_hints on widths=320,640; }
location /e/ { image_resize resize 10 10; image_resize_hints on quality=50; }
