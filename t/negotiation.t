# image_resize_format auto: what which client gets, Vary, $image_resize_accept, and caches
# that live by it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# What each sends for an <img>; curl and nothing at all last.
our %accept = (
    CHROME   => 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8',
    FIREFOX  => 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5',
    SAFARI   => 'image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5',
    CHROME80 => 'image/webp,image/apng,image/*,*/*;q=0.8',
    SAFARI14 => 'image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5',
    SAFARI13 => 'image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5',
    CURL     => '*/*',
);

add_block_preprocessor(sub {
    my $block = shift;
    my $rows = $block->rows;
    return if !defined $rows;
    $rows =~ s/\[([A-Z0-9]+)\]/'[Accept: ' . ($accept{$1} || die "no client $1") . ']'/ge;
    $block->set_value(rows => $rows);
});

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: each client gets the best that it names, and only wildcards name nothing
--- config
    location / {
        image_resize resize 150 -;
        image_resize_format auto=avif,webp;
        add_header X-Accept $image_resize_accept;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/photo-300x200.jpg [CHROME]     200 avif 150x100 psnr>28:photo-300x200.jpg Content-Type=image/avif Vary=Accept X-Accept=avif etag=weak
/photo-300x200.jpg [FIREFOX]    200 again Vary=Accept X-Accept=avif etag=same
/photo-300x200.jpg [SAFARI]     200 again Vary=Accept X-Accept=avif etag=same
/photo-300x200.jpg [CHROME80]   200 webp 150x100 psnr>28:photo-300x200.jpg Content-Type=image/webp Vary=Accept X-Accept=webp etag=other
/photo-300x200.jpg [SAFARI14]   200 again Vary=Accept X-Accept=webp etag=same
/photo-300x200.jpg [SAFARI13]   200 jpeg 150x100 psnr>28:photo-300x200.jpg Content-Type=image/jpeg Vary=Accept X-Accept=original etag=other
/photo-300x200.jpg [CURL]       200 again Vary=Accept X-Accept=original etag=same
/photo-300x200.jpg              200 again Vary=Accept X-Accept=original
/photo-300x200.jpg [Accept: image/*] 200 again
/photo-300x200.jpg [Accept: image/avif;q=0,image/webp] 200 webp X-Accept=webp
/photo-300x200.jpg [Accept: image/avif;q=0.001,image/webp;q=1] 200 avif X-Accept=avif
/photo-300x200.jpg [Accept: image/png] [Accept: IMAGE/WEBP] 200 webp X-Accept=webp
/photo-300x200.jpg [Accept: image/webp;q=high] 200 jpeg X-Accept=original
/quad-300x360-alpha.png [CURL]  200 png 150x180 alpha
/photo-300x200.gif [CURL]       200 gif 150x100


=== TEST 2: the list, its order and its default; a variable
--- config
    location /webp/ { image_resize resize 150 -; image_resize_format auto=webp; alias $TEST_NGINX_FIXTURES/; }
    location /back/ { image_resize resize 150 -; image_resize_format auto=webp,avif; alias $TEST_NGINX_FIXTURES/; }
    location /auto/ { image_resize resize 150 -; image_resize_format auto; alias $TEST_NGINX_FIXTURES/; }
    location /v/    { image_resize resize 150 -; image_resize_format $arg_f; alias $TEST_NGINX_FIXTURES/; }
--- rows
/webp/photo-300x200.jpg [CHROME]            200 webp Vary=Accept
/back/photo-300x200.jpg [CHROME]            200 webp Vary=Accept
/auto/photo-300x200.jpg [CHROME]            200 avif Vary=Accept
/v/photo-300x200.jpg?f=auto=webp [CHROME]   200 webp Vary=Accept
/v/photo-300x200.jpg?f=auto [CHROME]        200 avif Vary=Accept
/v/photo-300x200.jpg?f=png [CHROME]         200 png !Vary
/v/photo-300x200.jpg [CHROME]               200 jpeg !Vary
/v/photo-300x200.jpg?f=auto=png [CHROME]    415


=== TEST 3: inherited, and undone
--- http_config
    image_resize_format auto=webp;
--- config
    location /in/  { image_resize resize 150 -; alias $TEST_NGINX_FIXTURES/; }
    location /off/ { image_resize resize 150 -; image_resize_format original; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- rows
/in/photo-300x200.jpg [CHROME]      200 webp Vary=Accept
/off/photo-300x200.jpg [CHROME]     200 jpeg !Vary
/size/photo-300x200.jpg [CHROME]    200 !Vary
/test/photo-300x200.jpg [CHROME]    200 same=photo-300x200.jpg !Vary


=== TEST 4: what the client would not show becomes JPEG or, with alpha, PNG
--- config
    location / { image_resize convert; image_resize_format auto; alias $TEST_NGINX_FIXTURES/; }
    location /alpha/ { image_resize convert; image_resize_format auto; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/avif/; }
    location /avif/ { image_resize convert; image_resize_format avif; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200.avif [CHROME]        200 same=photo-300x200.avif Vary=Accept etag=strong
/photo-300x200.avif [SAFARI14]      200 webp 300x200 Vary=Accept
/photo-300x200.avif [SAFARI13]      200 jpeg 300x200 Vary=Accept psnr>28:photo-300x200.jpg
/photo-300x200.avif [CURL]          200 again
/photo-300x200.webp [CHROME80]      200 same=photo-300x200.webp Vary=Accept
/photo-300x200.webp [SAFARI13]      200 jpeg 300x200 Vary=Accept psnr>28:photo-300x200.jpg
/quad-100x120-alpha.webp [SAFARI13] 200 png 100x120 alpha Vary=Accept px=5,5:none px=95,115:yellow@0.5
/alpha/quad-100x120-alpha.png [SAFARI13] 200 png 100x120 alpha Vary=Accept px=5,5:none


=== TEST 5: where another format would be larger, the original goes out, if the client shows it
--- config
    location / {
        image_resize convert;
        image_resize_format auto;
        image_resize_webp_quality 100;
        image_resize_avif_quality 100;
        image_resize_jpeg_quality 100;
        add_header X-Status $image_resize_status;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /smaller/ { image_resize resize 299 -; image_resize_format auto=webp; image_resize_webp_quality 100; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-q40.jpg [CHROME]     200 same=photo-300x200-q40.jpg Vary=Accept X-Status=original etag=strong
/photo-300x200-q40.jpg [CHROME80]   200 same=photo-300x200-q40.jpg Vary=Accept X-Status=original
/photo-300x200-q40.webp [CHROME]    200 avif 300x200 Vary=Accept X-Status=transformed bytes>9000
/photo-300x200-q40.webp [SAFARI13]  200 jpeg 300x200 Vary=Accept X-Status=transformed bytes>9000
# another size was asked for
/smaller/photo-300x200-q40.jpg [CHROME] 200 webp 299x199 Vary=Accept


=== TEST 6: Vary is appended, and there on 304
--- config
    location /one/  { image_resize resize 150 -; image_resize_format auto; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/one/; }
    location /has/  { image_resize resize 150 -; image_resize_format auto; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/has/; }
    location /star/ { image_resize resize 150 -; image_resize_format auto; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/star/; }
    location /whole/ { image_resize convert; image_resize_format auto; alias $TEST_NGINX_FIXTURES/; }
    location /origin/one/  { add_header Vary Origin; alias $TEST_NGINX_FIXTURES/; }
    location /origin/has/  { add_header Vary "Origin, accept"; alias $TEST_NGINX_FIXTURES/; }
    location /origin/star/ { add_header Vary *; alias $TEST_NGINX_FIXTURES/; }
--- rows
/one/photo-300x200.jpg [CHROME]         200 avif Vary=Origin,%20Accept
/one/photo-300x200.jpg [CHROME] [If-None-Match: $etag] 304 empty etag=same Vary=Origin,%20Accept
/one/photo-300x200.jpg [SAFARI13] [If-None-Match: $etag] 200 jpeg etag=other Vary=Origin,%20Accept
HEAD /one/photo-300x200.jpg [CHROME]    200 empty Vary=Origin,%20Accept
/has/photo-300x200.jpg [CHROME]         200 avif Vary=Origin,%20accept
/star/photo-300x200.jpg [CHROME]        200 avif Vary=*
# the original's own tag, by nginx itself
/whole/photo-300x200.jpg [CURL]         200 same=photo-300x200.jpg etag=strong Vary=Accept
/whole/photo-300x200.jpg [CURL] [If-None-Match: $etag] 304 empty Vary=Accept
/one/missing.jpg [CHROME]               404


=== TEST 7: $image_resize_accept is there in the rewrite phase, with and without a list
--- config
    location /list/ {
        image_resize_format auto=webp;
        return 200 $image_resize_accept;
    }
    location /none/ { return 200 $image_resize_accept; }
    location /if/ {
        if ($image_resize_accept = avif) { return 200 yes; }
        return 200 no;
    }
--- rows
/list/ [CHROME]     200 body=webp
/list/ [SAFARI13]   200 body=original
/none/ [CHROME]     200 body=avif
/none/ [SAFARI14]   200 body=webp
/none/ [CURL]       200 body=original
/none/              200 body=original
/if/ [FIREFOX]      200 body=yes
/if/ [SAFARI14]     200 body=no


=== TEST 8: a cache keyed with it keeps three variants for all clients
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=negotiated:1m;
    log_format made "$uri $image_resize_format";
--- config
    location /public/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/internal/;
        proxy_cache negotiated;
        proxy_cache_key $uri:$image_resize_accept;
        proxy_cache_valid 200 10m;
        proxy_ignore_headers Vary;
        add_header X-Cache $upstream_cache_status;
    }
    location /internal/ {
        image_resize resize 150 -;
        image_resize_format auto;
        access_log $TEST_NGINX_SERVER_ROOT/logs/made.log made;
        alias $TEST_NGINX_FIXTURES/;
    }
--- script eval
sub {
    my $name = shift;
    my $uri = '/public/photo-300x200.jpg';
    my @all = qw(CHROME CHROME80 SAFARI13 FIREFOX SAFARI SAFARI14 CURL);
    my %format = map { $_ => 'jpeg' } @all;
    @format{qw(CHROME FIREFOX SAFARI)} = ('avif') x 3;
    @format{qw(CHROME80 SAFARI14)} = ('webp') x 2;
    my %seen;
    for my $client (@all, @all) {
        my $r = client()->get($uri, Accept => $main::accept{$client});
        my @bad = check_image($r->{body}, "$format{$client} 150x100");
        Test::More::ok(!@bad, "$name - $client gets $format{$client}") or Test::More::diag("@bad");
        Test::More::is($r->{h}{'x-cache'}, $seen{$format{$client}}++ ? 'HIT' : 'MISS', "$name - $client");
        Test::More::is($r->{h}{vary}, 'Accept', "$name - $client is told so");
    }
    open my $in, '<', "$ENV{TEST_NGINX_SERVER_ROOT}/logs/made.log" or die $!;
    Test::More::is(CORE::join('', sort <$in>), CORE::join('', map { "/internal/photo-300x200.jpg $_\n" } qw(avif jpeg webp)),
                   "$name - each was made once");
    my @files = glob "$ENV{TEST_NGINX_SERVER_ROOT}/img_cache/*";
    Test::More::is(scalar @files, 3, "$name - and is kept once");
}


=== TEST 9: what does not fit into the best format that a client shows goes out in another
--- config
    location /high/   { image_resize stretch 2 17000 enlarge=on; image_resize_format auto=webp,avif; add_header X-Accept $image_resize_accept; alias $TEST_NGINX_FIXTURES/; }
    location /up/     { image_resize stretch 2 17000 enlarge=on; image_resize_format auto=webp,avif; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/plain/; }
    location /plain/  { alias $TEST_NGINX_FIXTURES/; }
    location /webp/   { image_resize stretch 2 17000 enlarge=on; image_resize_format webp; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
--- rows
/high/photo-300x200.jpg [CHROME]                200 Content-Type=image/avif Vary=Accept X-Accept=webp
/high/photo-300x200.jpg [CHROME80]              200 Content-Type=image/jpeg Vary=Accept X-Accept=webp,original etag=other
/high/photo-300x200.png [CHROME80]              200 Content-Type=image/png Vary=Accept
/high/photo-300x200.jpg [CURL]                  200 Content-Type=image/jpeg Vary=Accept X-Accept=original
HEAD /high/photo-300x200.jpg [CHROME]           200 empty Vary=Accept Content-Type=image/avif
# of an upstream that only said that there is something
HEAD /up/photo-300x200.jpg [CHROME]             200 empty Vary=Accept !Content-Type
/up/photo-300x200.jpg [CHROME]                  200 Content-Type=image/avif Vary=Accept
/webp/photo-300x200.jpg [CHROME]                415 X-Error=too_many_pixels
