# SVG that goes out as SVG: it looks as it did, runs and loads nothing, and never goes out as it came.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

ImageGate::Fixtures::fixtures_by('svgs');
our $hostile = "$FindBin::Bin/data/hostile-svgs";

# What rsvg-convert makes of a drawing; nothing of one that it can't read.
sub drawn {
    my $svg = shift;
    my $file = File::Temp->new(SUFFIX => '.svg');
    print $file $svg;
    close $file;
    return scalar `rsvg-convert -w 240 $file 2>/dev/null`;
}

start_upstream();

$ENV{TEST_NGINX_UPSTREAM} = "http://127.0.0.1:$ENV{TEST_NGINX_UPSTREAM_PORT}";

plan 'no_plan';

$ENV{TEST_NGINX_HOSTILE} = $hostile;

run_tests();

__DATA__

=== TEST 1: drawings look as they did
--- config
    location / { image_resize resize 60 60; image_resize_pass svg=sanitized; alias $TEST_NGINX_FIXTURES/svgs/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    my $c = client();
    my $same = 0;
    for my $path (sort glob "$ENV{TEST_NGINX_FIXTURES}/svgs/*.svg") {
        my $file = File::Basename::basename($path);
        next if $file =~ /^bad-/;
        my $r = $c->get("/$file");
        Test::More::is($r->{status}, 200, "$name - $file");
        Test::More::is($r->{h}{'content-type'}, 'image/svg+xml', "$name - $file is SVG");
        my $before = main::drawn(ImageGate::Fixtures::slurp($path));
        Test::More::ok(length $before && $before eq main::drawn($r->{body}), "$name - $file looks the same");
        $same++;
    }
    Test::More::cmp_ok($same, '>=', 20, "$name - so many");
}


=== TEST 2: what means harm
--- config
    location / { image_resize resize 60 60; image_resize_pass svg=sanitized; alias $TEST_NGINX_HOSTILE/; }
    location /original/ { image_resize resize 60 60; image_resize_pass svg=sanitized; image_resize_on_error original; alias $TEST_NGINX_HOSTILE/; }
--- http_config
    types { image/svg+xml svg; }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    my %count;
    for my $path (sort glob "$main::hostile/*.svg") {
        my $file = File::Basename::basename($path);
        for my $at (qw(/ /original/)) {
            my $r = $c->get("$at$file");
            my $expected = $file =~ /^refused-/ ? 415 : 200;
            Test::More::is($r->{status}, $expected, "$name - $at$file");
            Test::More::unlike($r->{body}, qr/hostile|javascript|<script|[^\r\n\x20-\x7e]/i, "$name - $at$file is harmless");
            $count{$r->{status}}++;
        }
    }
    Test::More::cmp_ok($count{200}, '>=', 120, "$name - many are made");
}


=== TEST 3: its headers, conditions and coding
--- http_config
    types { image/svg+xml svg svgz; image/jpeg jpg; image/png png; }
--- config
    location / { image_resize resize 50 50; image_resize_pass svg=sanitized; add_header X-Status $image_resize_status; alias $TEST_NGINX_FIXTURES/; }
    location /raw/ { image_resize resize 50 50; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
    location /made/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_format webp; alias $TEST_NGINX_FIXTURES/; }
    location /auto/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_format auto; alias $TEST_NGINX_FIXTURES/; }
    location /undrawn/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_format webp; image_resize_svg off; alias $TEST_NGINX_FIXTURES/; }
    location /marked/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_watermark $TEST_NGINX_FIXTURES/quad-3x3.png; alias $TEST_NGINX_FIXTURES/; }
    location /inline/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_threads off; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; image_resize_pass svg=sanitized; alias $TEST_NGINX_FIXTURES/; }
    location /zip/ { image_resize resize 50 50; image_resize_pass svg=sanitized; gzip on; gzip_types image/svg+xml; gzip_min_length 1; alias $TEST_NGINX_FIXTURES/; }
    location /charset/ { charset iso-2022-jp; charset_types image/svg+xml; image_resize resize 50 50; image_resize_pass svg=sanitized; alias $TEST_NGINX_FIXTURES/; }
    location /small/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_buffer 90; alias $TEST_NGINX_FIXTURES/; }
    location /few/ { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_limit memory=1m; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    location /up/ { image_resize resize 50 50; image_resize_pass svg=sanitized; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
# quad-3x3.png quad-100x120.jpg logo.svg
/logo.svg                         200 X-Content-Type-Options=nosniff
/logo.svg                         200 body=<svg%20xmlns="http://www.w3.org/2000/svg"%20width="10"%20height="10"><rect%20width="9"%20height="9"/></svg> Content-Type=image/svg+xml Content-Length=97 X-Status=transformed etag=weak Content-Security-Policy~default-src%20'none';%20style-src%20'unsafe-inline';%20img-src%20data:;%20sandbox !Accept-Ranges
HEAD /logo.svg                    200 empty Content-Type=image/svg+xml etag=same Content-Security-Policy~sandbox
/logo.svg [If-None-Match: $etag]  304 empty etag=same
/raw/logo.svg                     200 same=logo.svg etag=other !Content-Security-Policy
/logo.svg [Range: bytes=0-9]      200 Content-Length=97
/quad-100x120.jpg                 200 jpeg 41x50 !Content-Security-Policy
/made/logo.svg                    200 webp 50x50 !Content-Security-Policy
HEAD /made/logo.svg               200 Content-Type=image/webp !Content-Security-Policy
/auto/logo.svg [Accept: image/webp] 200 Content-Type=image/svg+xml Vary~Accept Content-Security-Policy~sandbox
HEAD /auto/logo.svg [Accept: image/webp] 200 Content-Type=image/svg+xml Vary~Accept
/undrawn/logo.svg                 200 Content-Length=97 Content-Type=image/svg+xml
/marked/logo.svg                  200 Content-Length=97 Content-Type=image/svg+xml
/inline/logo.svg                  200 Content-Length=97 Content-Type=image/svg+xml
/size/logo.svg                    200 Content-Type=application/json !Content-Security-Policy
/zip/logo.svg [Accept-Encoding: gzip] 200 Content-Encoding=gzip Content-Type=image/svg+xml
/charset/logo.svg                 200 Content-Length=97
/small/logo.svg                   415
/few/logo.svg                     415 X-Error=too_many_pixels
/up/gzip,type=image:svg+xml/logo.svg  200 Content-Length=97 !Content-Encoding Content-Type=image/svg+xml
/up/plain,type=text:html,sums/logo.svg  200 Content-Length=97 Content-Type=image/svg+xml !Content-MD5 !Digest
/up/plain,add=Content-Security-Policy%3aimg-src/logo.svg 200 Content-Security-Policy~sandbox
/up/plain,add=Link%3aa|SourceMap%3ab|Content-Location%3ac|X-Content-Type-Options%3ad/logo.svg 200 !Link !SourceMap !Content-Location X-Content-Type-Options=nosniff
/up/plain,add=Link%3aa/quad-100x120.jpg 200 Link=a
/up/plain,type=text:xml/logo.svg   200 Content-Length=97 Content-Type=image/svg+xml
HEAD /up/plain,type=text:xml/logo.svg 200 Content-Type=image/svg+xml Content-Security-Policy~sandbox
HEAD /up/plain,type=text:html/logo.svg 415
HEAD /up/plain,type=text:xml,cc=no-transform/logo.svg 200 Content-Type=image/svg+xml


=== TEST 4: nothing goes out as it came that might be SVG
--- http_config
    types { image/svg+xml svg; image/jpeg jpg; text/plain txt; }
--- config
    image_resize_pass svg=sanitized;
    image_resize_no_transform on;
    image_resize_on_error original;
    location / { image_resize resize 50 50; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /test/ { image_resize test; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    location /wrong/ { image_resize resize $http_x_none 50; alias $TEST_NGINX_FIXTURES/; }
    location /as-it-is/ { image_resize resize 50 50; image_resize_pass svg; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
# quad-100x120.jpg half.svg logo.svg text.txt
/plain,type=image:svg+xml,cc=no-transform/logo.svg      200 Content-Length=97 Content-Security-Policy~sandbox
/plain,type=text:xml,cc=no-transform/logo.svg           200 Content-Length=97 Content-Security-Policy~sandbox
/plain,type=image:jpeg,cc=no-transform/quad-100x120.jpg 200 same=quad-100x120.jpg
/plain,cc=no-transform/quad-100x120.jpg                 200 same=quad-100x120.jpg
/as-it-is/plain,type=image:svg+xml,cc=no-transform/logo.svg 200 same=logo.svg
/plain,type=image:svg+xml/half.svg                415
/plain,type=text:html/half.svg                    415
/plain,type=image:svg+xml/text.txt                      415
/plain,type=text:html/text.txt                          415
/plain,type=image:jpeg/half.svg                   415
/status,code=404,type=image:svg+xml/logo.svg            404 Content-Length=97 Content-Type=image/svg+xml Content-Security-Policy~sandbox
/status,code=404,type=image:svg+xml/half.svg      404 Content-Type=text/html
/status,code=404,type=image:svg+xml/text.txt            404
/status,code=404,type=text:plain/text.txt               404 same=text.txt
/status,code=404,type=image:jpeg/quad-100x120.jpg       404 jpeg 41x50
/test/logo.svg                                          415 X-Error=unsupported_format
/test/quad-100x120.jpg                                  200 same=quad-100x120.jpg
/wrong/logo.svg                                         415
/wrong/quad-100x120.jpg                                 200 same=quad-100x120.jpg


=== TEST 5: what a source is called does not count, its bytes do
--- http_config
    types { image/svg+xml svg; image/jpeg jpg; text/plain txt; }
--- config
    image_resize_pass svg=sanitized;
    image_resize_no_transform on;
    image_resize_on_error original;
    location / { image_resize resize 50 50; add_header X-Status $image_resize_status; proxy_pass $TEST_NGINX_UPSTREAM; }
    location /wrong/ { image_resize resize $http_x_none 50; add_header X-Status $image_resize_status; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /test/ { image_resize test; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /small/ { image_resize resize 50 50; image_resize_buffer 200; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
# quad-100x120.jpg half.svg logo.svg late.svg declared.svg text.txt logo.svgz
/plain,type=image:jpeg;x=y%2cimage:svg+xml/half.svg     415
/plain,type=image:jpeg;%2ctext:html/text.txt            415
/plain,type=image:jpeg/late.svg                         200 Content-Length=97 Content-Type=image/svg+xml
/plain,type=image:jpeg,cc=no-transform/late.svg         200 Content-Length=97 Content-Type=image/svg+xml
/gzip,type=image:jpeg/half.svg                          415
/plain,type=image:jpeg;x=y%2cimage:svg+xml,cc=no-transform/logo.svg 200 Content-Length=97 Content-Type=image/svg+xml
/plain,type=image:jpeg,cc=no-transform/half.svg         415
/plain,type=image:jpeg,cc=no-transform/text.txt         415
/plain,type=image:jpeg,cc=no-transform/logo.svgz        200 Content-Length=97 Content-Type=image/svg+xml
/gzip,type=image:jpeg,cc=no-transform/logo.svg          200 Content-Length=97 Content-Type=image/svg+xml !Content-Encoding
/chunked,chunk=7,type=image:jpeg,cc=no-transform/logo.svg 200 Content-Length=97 Content-Type=image/svg+xml
/plain,type=text:html,cc=no-transform/quad-100x120.jpg  200 same=quad-100x120.jpg Content-Type=image/jpeg X-Content-Type-Options=nosniff X-Status=passed
/chunked,chunk=7,type=image:svg+xml,cc=no-transform/quad-100x120.jpg  200 same=quad-100x120.jpg Content-Type=image/jpeg X-Content-Type-Options=nosniff
HEAD /plain,cc=no-transform/quad-100x120.jpg            200 Content-Type=image/jpeg
/wrong/plain,type=image:svg+xml/quad-100x120.jpg        200 same=quad-100x120.jpg Content-Type=image/jpeg X-Content-Type-Options=nosniff X-Status=original
/wrong/plain,type=image:jpeg/logo.svg                   415
/wrong/plain,type=image:jpeg/text.txt                   415
/wrong/chunked,type=image:jpeg/late.svg                 415
HEAD /wrong/plain/quad-100x120.jpg                      200 Content-Type=image/jpeg
HEAD /wrong/plain,type=image:svg+xml/logo.svg           415
/wrong/range,type=image:jpeg/logo.svg                   415
/small/plain,type=image:jpeg,cc=no-transform/late.svg   415
/small/plain,type=text:html,cc=no-transform/quad-100x120.jpg 200 same=quad-100x120.jpg Content-Type=image/jpeg
/status,code=404,type=text:html/declared.svg            404 Content-Length=97 Content-Type=image/svg+xml Content-Security-Policy~sandbox
/status,code=404,type=text:xml/late.svg                 404 Content-Type=text/html
/status,code=404,type=application:rss+xml/late.svg      404 Content-Type=text/html
/status,code=404,type=application:xml;charset=utf-8/text.txt 404 Content-Type=text/html
/status,code=404,type=image:svg+xml%2c/late.svg         404 Content-Type=text/html
/status,code=404,type=image:jpeg;%2cimage:svg+xml/late.svg 404 Content-Type=text/html
/status,code=404,type=svg/late.svg                      404 Content-Type=text/html
/status,code=302,type=application:xml/text.txt          302 empty Location~elsewhere
/status,code=302,type=text:xml/late.svg                 302 empty Location~elsewhere
/status,code=404,type=text:plain/text.txt               404 same=text.txt X-Content-Type-Options=nosniff
/status,code=404,type=text:html/quad-100x120.jpg        404 jpeg 41x50 Content-Type=image/jpeg
/test/status,code=404,type=image:jpeg/declared.svg      404 Content-Type=text/html
/test/status,code=404,type=text:xml/late.svg            404 Content-Type=text/html


=== TEST 6: files that are compressed
--- http_config
    types { image/svg+xml svg svgz; }
--- config
    location / { image_resize resize 50 50; image_resize_pass svg=sanitized; alias $TEST_NGINX_FIXTURES/; }
    location /raw/ { image_resize resize 50 50; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
    location /made/ { image_resize resize 50 50; image_resize_format png; image_resize_pass svg; alias $TEST_NGINX_FIXTURES/; }
    location /drawn/ { image_resize resize 50 50; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    location /zip/ { image_resize resize 50 50; image_resize_pass svg; gzip on; gzip_types image/svg+xml; gzip_min_length 1; alias $TEST_NGINX_FIXTURES/; }
    location /size/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
    location /up/ { image_resize resize 50 50; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /upraw/ { image_resize resize 50 50; image_resize_pass svg; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/upraw/plain/logo.svgz            200 same=logo.svgz Content-Type=image/svg+xml Content-Encoding=gzip
/upraw/gzip/logo.svgz             200 Content-Type=image/svg+xml Content-Encoding=gzip,%20gzip
/upraw/gzip/logo.svg              200 Content-Type=image/svg+xml Content-Encoding=gzip
/upraw/plain,type=text:xml/logo.svg 200 same=logo.svg Content-Type=image/svg+xml
HEAD /upraw/plain,type=text:xml/logo.svg 200 Content-Type=image/svg+xml
/logo.svgz                        200 Content-Length=97 Content-Type=image/svg+xml !Content-Encoding
/raw/logo.svgz                    200 same=logo.svgz Content-Type=image/svg+xml Content-Encoding=gzip etag=strong
/zip/logo.svgz [Accept-Encoding: gzip] 200 same=logo.svgz Content-Encoding=gzip
/made/logo.svgz                   200 png 50x50 px=20,20:black
/drawn/logo.svgz                  200 png 50x50 px=20,20:black
/drawn/bomb.svgz                  415 X-Error=too_large
/drawn/half.svgz            415 X-Error=decode_failed
/size/logo.svgz                   200 body={%20"img"%20:%20{%20"width":%2010,%20"height":%2010,%20"type":%20"svg"%20}%20}%0D%0A
/test/logo.svgz                   415
/up/plain/logo.svgz               200 png 50x50
/up/chunked,chunk=7/logo.svgz     200 png 50x50
/up/gzip/logo.svgz                200 png 50x50
/up/gzip/logo.svg                 200 png 50x50
/up/gzip/bomb.svgz                415


=== TEST 7: it ends with its time, and with its memory
--- config
    location / { image_resize resize 50 50; image_resize_pass svg=sanitized; image_resize_limit time=1s; add_header X-Error $image_resize_error always; alias $TEST_NGINX_HTML_DIR/; }
--- timeout: 60
--- script eval
sub {
    my $name = shift;
    my $c = client(timeout => 20);
    my $svg = 'xmlns="http://www.w3.org/2000/svg"';
    my %files = (
        # Each name of an attribute is compared with those before it.
        attributes => qq{<svg $svg } . CORE::join(' ', map { "a$_=''" } 1 .. 600_000) . '/>',
        # Ten bytes of each reference become a hundred thousand.
        entities => '<!DOCTYPE svg [<!ENTITY a "' . 'b' x 100_000 . qq{">]><svg $svg><text>} . '&a;' x 1_000_000 . '</text></svg>',
        nested => '<!DOCTYPE svg [<!ENTITY a0 "' . 'b' x 1000 . '">' . CORE::join('', map { my $n = $_ - 1; "<!ENTITY a$_ \"" . "&a$n;" x 100 . '">' } 1 .. 6)
            . qq{]><svg $svg><text>&a6;</text></svg>},
        elements => qq{<svg $svg>} . '<g/>' x 3_000_000 . '</svg>',
    );
    my $pid = worker_pid();
    for my $file (sort keys %files) {
        open my $out, '>', "$ENV{TEST_NGINX_HTML_DIR}/$file.svg" or die $!;
        print $out $files{$file};
        close $out;
        my $begin = Time::HiRes::time();
        my $r = $c->get("/$file.svg");
        my $took = Time::HiRes::time() - $begin;
        Test::More::like($r->{status}, qr/^(?:415|503)$/, "$name - $file: $r->{status} " . ($r->{h}{'x-error'} || ''));
        Test::More::cmp_ok($took, '<', 3, "$name - $file in time");
    }
    Test::More::is(worker_pid(), $pid, "$name - the worker is the same");
    Test::More::cmp_ok(worker_memory('VmHWM'), '<', 160, "$name - and has not grown");
}


=== TEST 8: nothing of a subrequest goes out
--- user_files eval
[
    [ 'page.html', qq(<p><!--# include virtual="/s/x.svg" --></p>\n) ],
    [ 'raw.html', qq(<p><!--# include virtual="/raw/x.svg" --></p>\n) ],
    [ 'x.svg', qq(<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>) ],
]
--- config
    root $TEST_NGINX_HTML_DIR;
    location ~ html$ { ssi on; }
    location /around/ { add_before_body /s/x.svg; rewrite ^ /page.html break; }
    location /s/ { image_resize resize 10 10; image_resize_pass svg=sanitized; alias $TEST_NGINX_HTML_DIR/; }
    location /raw/ { image_resize resize 10 10; image_resize_pass svg; alias $TEST_NGINX_HTML_DIR/; }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    my %got = map { $_ => $c->get("/$_") } qw(page.html around/ raw.html);
    Test::More::is($got{$_}{status}, 200, "$name - $_") for sort keys %got;
    Test::More::is($got{'page.html'}{body}, "<p></p>\n", "$name - by SSI");
    Test::More::unlike($got{'around/'}{body}, qr/onload/, "$name - before the body");
    Test::More::like($got{'raw.html'}{body}, qr/onload/, "$name - unless it is to pass as it came");
}
--- error_log
image_resize_pass: nothing of a subrequest goes out where SVG is sanitized
