# image_resize_cache: what is kept of files, and sent again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);

use ImageGate::Cache;
use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::Image qw(inspect);
use ImageGate::Server;

needs_cache();

my $cache = 'image_resize_zone 1m; image_resize_cache_path cache levels=1:2 keys_zone=images:1m inactive=1h max_size=100m;';

sub server {
    my ($locations, %o) = @_;
    my $s = ImageGate::Server->new(http => $cache, %o);
    mkdir "$s->{dir}/files";
    $s->start("location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files; $locations");
    return $s;
}

# A source whose time is not that of now.
sub put {
    my ($s, $from, $to) = @_;
    copy(fixture_path($from), "$s->{dir}/files/$to") or die $!;
    sleep 0.1;
}

{
    my $name = 'hit';
    my $s = server('image_resize_cache images; location / { image_resize resize 100 -; etag on; expires 1h; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $c = $s->client;
    my $first = $c->get('/a.jpg');
    is_answer("$name - first", $first, 200, 'MISS');
    is(inspect($first->{body})->{width}, 100, "$name - a picture");
    my $second = $c->get('/a.jpg');
    is_answer("$name - second", $second, 200, 'HIT');
    ok($second->{body} eq $first->{body}, "$name - the same bytes");
    for (qw(content-type content-length etag last-modified cache-control vary)) {
        is($second->{h}{$_}, $first->{h}{$_}, "$name - $_");
    }
    is($second->{h}{'accept-ranges'}, 'bytes', "$name - ranges");
    is_made($s, 1, "$name - made once");
    my @files = kept_files($s);
    is(scalar @files, 1, "$name - one file");
    like($files[0], qr{/cache/[0-9a-f]/[0-9a-f]{2}/[0-9a-f]{32}$}, "$name - in its folder");
    unlike(slurp($files[0]), qr/a\.jpg/, "$name - names nothing");

    my $head = $c->head('/a.jpg');
    is_answer("$name - HEAD", $head, 200, 'HIT');
    is($head->{h}{'content-length'}, length $first->{body}, "$name - HEAD - length");
    my $part = $c->get('/a.jpg', Range => 'bytes=10-19');
    is_answer("$name - range", $part, 206, 'HIT');
    is($part->{body}, substr($first->{body}, 10, 10), "$name - range - bytes");
    is_answer("$name - range of another", $c->get('/a.jpg', Range => 'bytes=10-19', 'If-Range' => '"x"'), 200, 'HIT');
    is($c->get('/a.jpg', Range => 'bytes=9999999-')->{status}, 416, "$name - no range");
    is_answer("$name - If-None-Match", $c->get('/a.jpg', 'If-None-Match' => $first->{h}{etag}), 304, 'HIT');
    is_answer("$name - another tag", $c->get('/a.jpg', 'If-None-Match' => '"x"'), 200, 'HIT');
    is_answer("$name - If-Modified-Since", $c->get('/a.jpg', 'If-Modified-Since' => $first->{h}{'last-modified'}), 304, 'HIT');
    is_made($s, 1, "$name - still made once");
    is_answer("$name - POST", $c->request('POST', '/a.jpg', 'Content-Length' => 0), 405, undef);
    is_answer("$name - missing", $c->get('/no.jpg'), 404, undef);
    is_answer("$name - a folder", $c->get('/'), 403, undef);
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'range on a miss';
    my $s = server('image_resize_cache images; location / { image_resize resize 100 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $r = $s->client->get('/a.jpg', Range => 'bytes=10-19');
    is_answer($name, $r, 200, 'MISS');
    is(inspect($r->{body})->{width}, 100, "$name - all of it");
    is_answer("$name - then", $s->client->get('/a.jpg', Range => 'bytes=10-19'), 206, 'HIT');
}

{
    my $name = 'HEAD first';
    my $s = server('image_resize_cache images; location / { image_resize resize 100 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $head = $s->client->head('/a.jpg');
    is_answer($name, $head, 200, 'MISS');
    my $r = $s->client->get('/a.jpg');
    is_answer("$name - then", $r, 200, 'HIT');
    is($head->{h}{'content-length'}, length $r->{body}, "$name - length");
}

{
    my $name = 'what is asked for';
    my $s = server('image_resize_cache images;
        location / { image_resize resize $arg_w -; image_resize_format $arg_f; }
        location /q/ { rewrite ^/q(.*) $1 break; image_resize resize 50 -; image_resize_jpeg_quality 30; }
        location /auto/ { rewrite ^/auto(.*) $1 break; image_resize resize 50 -; image_resize_format auto=webp; }
        location /size/ { rewrite ^/size(.*) $1 break; image_resize size; }
        location /info/ { rewrite ^/info(.*) $1 break; image_resize info; }
        location /test/ { rewrite ^/test(.*) $1 break; image_resize test; }
        location /none/ { rewrite ^/none(.*) $1 break; }
        location /asis/ { rewrite ^/asis(.*) $1 break; image_resize resize 5000 -; image_resize_metadata keep; }
        location /off/ { rewrite ^/off(.*) $1 break; image_resize resize 50 -; image_resize_cache off; }
        location /var/ { rewrite ^/var(.*) $1 break; image_resize resize 50 -; image_resize_cache $arg_zone; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $c = $s->client;
    my %seen;
    for my $uri (qw(/a.jpg?w=50 /a.jpg?w=60 /q/a.jpg /a.jpg?w=50&f=png /auto/a.jpg /size/a.jpg /info/a.jpg)) {
        my $first = $c->get($uri);
        is_answer("$name - $uri", $first, 200, 'MISS');
        my $second = $c->get($uri);
        is_answer("$name - $uri again", $second, 200, 'HIT');
        ok($second->{body} eq $first->{body}, "$name - $uri - the same bytes");
        is($second->{h}{$_}, $first->{h}{$_}, "$name - $uri - $_") for qw(content-type etag vary last-modified);
        ok(!$seen{ $first->{body} }++ || $uri eq '/auto/a.jpg', "$name - $uri - its own bytes");
    }
    is($c->get('/auto/a.jpg')->{h}{vary}, 'Accept', "$name - says that it varies");
    my $webp = $c->get('/auto/a.jpg', Accept => 'image/webp');
    is_answer("$name - another Accept", $webp, 200, 'MISS');
    is($webp->{h}{'content-type'}, 'image/webp', "$name - another format");
    is_answer("$name - that again", $c->get('/auto/a.jpg', Accept => 'image/webp,*/*'), 200, 'HIT');
    my $asis = $c->get('/asis/a.jpg');
    is_answer("$name - as it is", $asis, 200, 'MISS');
    ok($asis->{body} eq slurp(fixture_path('photo-300x200.jpg')), "$name - as it is - bytes");
    my $again = $c->get('/asis/a.jpg');
    is_answer("$name - as it is again", $again, 200, 'HIT');
    is($again->{h}{$_}, $asis->{h}{$_}, "$name - as it is - $_") for qw(content-type etag);
    ok($again->{body} eq $asis->{body}, "$name - as it is - the same bytes");
    for my $uri (qw(/test/a.jpg /none/a.jpg /off/a.jpg /var/a.jpg /var/a.jpg?zone=off)) {
        is_answer("$name - $uri", $c->get($uri), 200, undef) for 1, 2;
    }
    # The same as what "/?w=50" made: another location, but the same file and plan.
    is_answer("$name - one entry for two locations", $c->get('/var/a.jpg?zone=images'), 200, 'HIT');
    is_answer("$name - a zone that is not there", $c->get('/var/a.jpg?zone=x'), 200, undef);
    is_answer("$name - bad parameter", $c->get('/a.jpg?w=0'), 415, undef);
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'files that change';
    my $s = server('image_resize_cache images; location / { image_resize resize 40 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $c = $s->client;
    my $first = $c->get('/a.jpg');
    is_answer("$name - first", $c->get('/a.jpg'), 200, 'HIT');
    my @times = (stat "$s->{dir}/files/a.jpg")[8, 9];
    # Another picture of the same length and time.
    my $bytes = slurp(fixture_path('quad-300x200.jpg'));
    my $len = -s fixture_path('photo-300x200.jpg');
    $bytes .= "\0" x ($len - length $bytes);
    open my $out, '+<', "$s->{dir}/files/a.jpg" or die $!;
    print $out $bytes;
    close $out or die $!;
    utime @times, "$s->{dir}/files/a.jpg";
    is(-s "$s->{dir}/files/a.jpg", $len, "$name - of the same length");
    my $changed = $c->get('/a.jpg');
    is_answer("$name - written over", $changed, 200, 'MISS');
    ok($changed->{body} ne $first->{body}, "$name - written over - another picture");
    # Back again, by another file.
    put($s, 'photo-300x200.jpg', 'b.jpg');
    rename "$s->{dir}/files/b.jpg", "$s->{dir}/files/a.jpg" or die $!;
    my $back = $c->get('/a.jpg');
    is_answer("$name - replaced", $back, 200, 'MISS');
    ok($back->{body} eq $first->{body}, "$name - replaced - the first picture");
    sleep 0.1;
    $c->get('/a.jpg');
    is_answer("$name - kept", $c->get('/a.jpg'), 200, 'HIT');
    unlink "$s->{dir}/files/a.jpg";
    is_answer("$name - deleted", $c->get('/a.jpg'), 404, undef);
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'what fails is not kept';
    my $s = server('image_resize_cache images; location / { image_resize resize 40 -; image_resize_on_error original; }
        location /strict/ { rewrite ^/strict(.*) $1 break; image_resize resize 40 -; image_resize_damaged strict; }');
    put($s, 'text.txt', 'a.jpg');
    put($s, 'trunc_photo-300x200.jpg', 'b.jpg');
    for (1, 2) {
        is_answer("$name - original", $s->client->get('/a.jpg'), 200, 'MISS');
        is_answer("$name - status", $s->client->get('/strict/b.jpg'), 415, 'MISS');
    }
    is(scalar kept_files($s), 0, "$name - no file");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'errors that are kept';
    my $s = server('image_resize_cache images; image_resize_cache_valid 415 2s; error_page 415 /415.jpg; add_header X-Error $image_resize_error always;
        location / { image_resize resize 40 -; image_resize_damaged strict; image_resize_debug_header on; }
        location /415.jpg { }
        location /original/ { rewrite ^/original(.*) $1 break; image_resize resize 40 -; image_resize_damaged strict; image_resize_on_error original; }
        location /limited/ { rewrite ^/limited(.*) $1 break; image_resize resize 40 -; image_resize_limit width=10; }
        location /none/ { rewrite ^/none(.*) $1 break; image_resize resize 41 -; image_resize_cache_valid any 0; }');
    put($s, 'text.txt', 'a.jpg');
    put($s, 'trunc_photo-300x200.jpg', 'b.jpg');
    put($s, 'photo-300x200.jpg', 'c.jpg');
    put($s, 'text.txt', '415.jpg');
    my $c = $s->client;
    my %word = (a => 'not_image', b => 'decode_failed');
    for my $at (qw(a b)) {
        my $first = $c->get("/$at.jpg");
        is_answer("$name - $at", $first, 415, 'MISS');
        is($first->{h}{'x-error'}, $word{$at}, "$name - $at - why");
        my $second = $c->get("/$at.jpg");
        is_answer("$name - $at again", $second, 415, 'HIT');
        is($second->{h}{'x-error'}, $word{$at}, "$name - $at again - why");
        is($second->{h}{'x-image-error'}, $word{$at}, "$name - $at again - and who debugs is told");
        is($second->{body}, $first->{body}, "$name - $at again - the same page");
    }
    is_answer("$name - the original where that is wanted", $c->get('/original/b.jpg'), 200, 'MISS') for 1, 2;
    is_answer("$name - no limits", $c->get('/limited/c.jpg'), 415, 'MISS') for 1, 2;
    is_answer("$name - of which others know nothing", $c->get('/c.jpg'), 200, 'MISS');
    is_answer("$name - not at all", $c->get('/none/a.jpg'), 415, 'MISS') for 1, 2;
    is_answer("$name - a picture is kept where only 415 was named", $c->get('/c.jpg'), 200, 'HIT');
    sleep 3.2;
    is_answer("$name - over", $c->get('/b.jpg'), 415, 'MISS');
    put($s, 'quad-300x200.jpg', 'b.jpg');
    is_answer("$name - a file that changed", $c->get('/b.jpg'), 200, 'MISS');
    is_answer("$name - and is kept", $c->get('/b.jpg'), 200, 'HIT');
    sleep 0.2;
    my $status = JSON::PP::decode_json($c->get('/status')->{body});
    is_deeply($status->{cache}, { hit => 4, miss => 11, map { $_ => 0 } qw(expired bypass stale updating revalidated) }, "$name - counted");
    is(eval { my $sum = 0; $sum += $_->{count} for @{ $status->{images} }; $sum }, 2, "$name - pictures are counted once");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'key';
    my $s = server('image_resize_cache images; image_resize_cache_key $arg_k; location / { image_resize resize 40 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    link "$s->{dir}/files/a.jpg", "$s->{dir}/files/b.jpg" or die $!;
    sleep 0.1;
    my $c = $s->client;
    is_answer("$name - first", $c->get('/a.jpg?k=1'), 200, 'MISS');
    is_answer("$name - the same file by another name", $c->get('/b.jpg?k=1'), 200, 'HIT');
    is_answer("$name - another key", $c->get('/b.jpg?k=2'), 200, 'MISS');
}

{
    my $name = 'restart';
    my $s = server('image_resize_cache images; location / { image_resize resize 40 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    $s->client->get('/a.jpg');
    my ($file) = kept_files($s);
    # What a process that is no more has left, and what nobody has.
    open my $out, '>', sprintf "$s->{dir}/cache/%032x.%010d", 1, 4194303 or die $!;
    close $out;
    my $living = sprintf "$s->{dir}/cache/%032x.%010d", 2, $$;
    open $out, '>', $living or die $!;
    close $out;
    $s->stop;
    $s->start("add_header X-Cache \$image_resize_cache_status always; root $s->{dir}/files; image_resize_cache images; location / { image_resize resize 40 -; }");
    is_answer($name, $s->client->get('/a.jpg'), 200, 'HIT');
    ok($s->wait(5, sub { join(' ', sort { $a cmp $b } kept_files($s)) eq join(' ', sort { $a cmp $b } $file, $living) }), "$name - leftovers go")
        or diag(join "\n", kept_files($s));
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'files of the cache that are spoilt';
    my $s = server('image_resize_cache images; location / { image_resize resize 40 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    my $first = $s->client->get('/a.jpg');
    my ($file) = kept_files($s);
    my $whole = slurp($file);
    for my $len (length($whole) - 1, length($whole) - length($first->{body}) + 1, 500, 300, 10, 0) {
        # Other files, as nginx has them where they are renamed.
        open my $out, '>', "$file.new" or die $!;
        print $out substr $whole, 0, $len;
        close $out or die $!;
        rename "$file.new", $file or die $!;
        my $r = $s->client->get('/a.jpg');
        is_answer("$name - cut to $len", $r, 200, 'MISS');
        ok($r->{body} eq $first->{body}, "$name - cut to $len - the same bytes");
        is_answer("$name - cut to $len - mended", $s->client->get('/a.jpg'), 200, 'HIT');
    }
    for my $root (0, 1) {
        system 'rm', '-rf', $root ? "$s->{dir}/cache" : glob "$s->{dir}/cache/*";
        is_answer("$name - wiped", $s->client->get('/a.jpg'), 200, 'MISS');
        is_answer("$name - wiped, then", $s->client->get('/a.jpg'), 200, 'HIT');
    }
    my @bad = grep { !/cache file .* is too small/ } $s->trouble;
    is(join('', @bad), '', "$name - nothing bad in the log");
}

{
    my $name = 'a folder that can not be written to';
    my $s = server('image_resize_cache images; location / { image_resize resize 40 -; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    system 'rm', '-rf', "$s->{dir}/cache";
    open my $out, '>', "$s->{dir}/cache" or die $!;
    close $out;
    for (1 .. 5) {
        my $r = $s->client->get('/a.jpg');
        is_answer($name, $r, 200, 'MISS');
        is(inspect($r->{body})->{width}, 40, "$name - a picture");
    }
    my @lines = $s->log =~ /(image_resize_cache: writing to [^\n]*)/g;
    ok(@lines >= 1 && @lines <= 2, "$name - a line a second") or diag(scalar @lines);
}

{
    my $name = 'without threads, by aio, with other modules';
    my $s = server('image_resize_cache images;
        location / { image_resize resize 40 -; image_resize_threads off; }
        location /aio/ { rewrite ^/aio(.*) $1 break; image_resize resize 41 -; aio threads; }
        location /tried/ { rewrite ^/tried(.*) $1 break; try_files /no.jpg $uri =404; image_resize resize 42 -; }
        location /named/ { try_files /no.jpg @named; }
        location @named { rewrite ^/named(.*) $1 break; image_resize resize 43 -; }
        location /refused/ { rewrite ^/refused(.*) $1 break; image_resize resize 40 -; deny all; }
        location /open/ { rewrite ^/open(.*) $1 break; image_resize resize 44 -; open_file_cache max=10; }
        location /error/ { error_page 404 /a.jpg; image_resize resize 45 -; }
        location /svg/ { rewrite ^/svg(.*) $1 break; image_resize resize 46 -; image_resize_pass svg; }
        location /sane/ { rewrite ^/sane(.*) $1 break; image_resize resize 46 -; image_resize_pass svg=sanitized; }');
    put($s, 'photo-300x200.jpg', 'a.jpg');
    put($s, 'logo.svg', 'b.svg');
    my $c = $s->client;
    my $width = 40;
    for my $at (qw(/ /aio/ /tried/ /named/ /open/ /svg/)) {
        $width = $at eq '/svg/' ? 46 : $width;
        my $first = $c->get("${at}a.jpg");
        is_answer("$name - $at", $first, 200, 'MISS');
        is(inspect($first->{body})->{width}, $width++, "$name - $at - a picture");
        my $second = $c->get("${at}a.jpg");
        is_answer("$name - $at again", $second, 200, 'HIT');
        ok($second->{body} eq $first->{body}, "$name - $at - the same bytes");
    }
    is_answer("$name - refused", $c->get('/refused/a.jpg'), 403, undef);
    my $r = $c->get('/error/a.jpg');
    is($r->{status}, 404, "$name - an error's page stays an error");
    is_answer("$name - SVG", $c->get('/svg/b.svg'), 200, 'MISS') for 1, 2;
    my $sane = $c->get('/sane/b.svg');
    is_answer("$name - SVG without what might run", $sane, 200, 'MISS');
    my $again = $c->get('/sane/b.svg');
    is_answer("$name - again", $again, 200, 'HIT');
    is($again->{body}, $sane->{body}, "$name - the same bytes");
    for (qw(content-type etag content-security-policy content-length)) {
        ok($again->{h}{$_} && $again->{h}{$_} eq $sane->{h}{$_}, "$name - its $_");
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'nginx -t';
    my $refused = sub {
        my ($what, $http, $location, $like) = @_;
        my $s = ImageGate::Server->new(http => $http);
        $s->write_conf($location);
        my $said = `$s->{nginx} -t -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
        ok($?, "$name - $what - refused");
        like($said, $like, "$name - $what - says why");
    };
    $refused->('no zone', '', 'image_resize_cache images;', qr/"image_resize_cache" directive: there is no zone "images" in .*:\d+/);
    $refused->('its locks are none', $cache, 'image_resize_cache images:flights;', qr/there is no zone "images:flights"/);
    $refused->('twice', $cache, 'image_resize_cache images; image_resize_cache off;', qr/is duplicate/);
    $refused->('no keys_zone', 'image_resize_cache_path x inactive=1h;', '', qr/"image_resize_cache_path" must have "keys_zone"/);
    $refused->('unknown', 'image_resize_cache_path x keys_zone=a:1m purple=1;', '', qr/invalid parameter "purple=1"/);
    $refused->('temporary files', 'image_resize_cache_path x keys_zone=a:1m use_temp_path=off;', '', qr/there is no "use_temp_path="/);
    $refused->('another zone', 'proxy_cache_path x keys_zone=a:1m; image_resize_cache_path y keys_zone=a:1m;', '', qr/already declared for a different use/);
    $refused->('a code', $cache, 'image_resize_cache_valid 404 1m;', qr/invalid code "404", only 200 and 415 are kept/);
    $refused->('a case', $cache, 'image_resize_cache_use_stale error purple;', qr/"image_resize_cache_use_stale" directive: invalid value "purple", it must be /);
    $refused->('off and a case', $cache, 'image_resize_cache_use_stale error off;', qr/"image_resize_cache_use_stale" directive: invalid value "off", it must be /);
    $refused->('uses', $cache, 'image_resize_cache_min_uses 0;', qr/"image_resize_cache_min_uses" directive: invalid value "0"/);
    $refused->('a flag', $cache, 'image_resize_cache_lock maybe;', qr/"image_resize_cache_lock"/);
    $refused->('a time', $cache, 'image_resize_cache_lock_age x;', qr/"image_resize_cache_lock_age" directive: invalid value "x"/);
}

{
    my $name = 'what nginx -t warns of';
    my $warned = sub {
        my ($what, $location, @like) = @_;
        my $s = ImageGate::Server->new(http => $cache);
        $s->write_conf($location);
        my @said = grep { /\[warn\]/ } `$s->{nginx} -t -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1`;
        is(scalar @said, scalar @like, "$name - $what - lines") or diag(@said);
        like($said[$_], $like[$_], "$name - $what - $_") for 0 .. $#like;
    };
    my $none = qr/"image_resize_cache\w*" directive: has no effect: there is no "image_resize_cache" and nothing that is made here in .*:\d+/;
    my $nothing = qr/"image_resize_cache" directive: has no effect: no image is made here in .*:\d+/;
    my $unused = qr/"image_resize_cache_path" directive: no location has "image_resize_cache images" in .*:\d+/;
    $warned->('nothing is made', 'location / { image_resize_cache images; }', $nothing);
    $warned->('nothing is made by test', 'location / { image_resize test; image_resize_cache images; }', $nothing);
    $warned->('no cache', 'location / { image_resize resize 1 1; image_resize_cache_lock off; }', $none, $unused);
    $warned->('off', 'location / { image_resize_cache off; }', $unused);
    $warned->('above', 'image_resize_cache images; image_resize_cache_lock off; location / { } location /a { image_resize resize 1 1; }');
    $warned->('below', 'location / { image_resize_cache images; location /a { image_resize resize 1 1; } }');
}

done_testing();
