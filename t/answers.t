# What goes out for every status, method, kind of body and mode: pictures are made wherever there is a
# body, errors stay errors, HEAD tells nothing that GET does not, and nothing that is true of the
# source's bytes alone goes out with others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Image qw(inspect sniff);
use ImageGate::Upstream;

start_upstream();

$ENV{TEST_NGINX_UPSTREAM} = "http://127.0.0.1:$ENV{TEST_NGINX_UPSTREAM_PORT}";

our @made    = qw(resize webp mark convert);
our @success = qw(200 201 202 203 205 207 226 299);
our @others  = qw(300 301 302 307 400 401 403 404 410 416 418 429 500 502 503 599);

# What is wrong with an answer, given that to GET and that to HEAD.
sub faults {
    my ($mode, $status, $file, $get, $head) = @_;
    my @bad;
    my $is_picture = $file =~ /\.(jpg|png)$/;
    my $is_success = $status < 300;
    my $source     = fixture($file);
    my $makes      = grep { $_ eq $mode } @made;

    my $expected = $status;
    $expected = 415 if $is_success && !$is_picture && $mode ne 'size';
    push @bad, "status $get->{status}, not $expected" if $get->{status} != $expected;

    my $is_source = $get->{body} eq $source;
    if ($is_picture && $makes) {
        my $i = inspect($get->{body});
        push @bad, "a body of $i->{format}" if $i->{format} ne ($mode eq 'webp' ? 'webp' : sniff($source));
        push @bad, "$i->{width} pixels" if $i->{width} != ($mode eq 'convert' ? 300 : 50);
        push @bad, 'the source itself' if $is_source;
        push @bad, "type $get->{h}{'content-type'}" if $get->{h}{'content-type'} ne "image/$i->{format}";
    } elsif ($is_picture && $mode =~ /size|info/) {
        push @bad, 'no description' if $get->{body} !~ /^\{.*300.*\}\s*$/s;
    } elsif ($is_picture) {
        push @bad, 'not the source' if !$is_source;
    } elsif (!$is_success && $mode ne 'test') {
        push @bad, 'not the body of the error' if !$is_source;
    } else {
        push @bad, 'what is no picture' if $is_source;
    }

    my %sums = map { lc, 1 } @ImageGate::Upstream::SUMS;
    for my $r ($is_source ? () : ($get), $head->{status} == 415 || (!$is_picture && !$is_success) ? () : $head) {
        next if $mode eq 'test';
        my $what = $r == $get ? 'GET' : 'HEAD';
        push @bad, "$what: $_" for grep { $r->{h}{$_} } sort keys %sums;
        push @bad, "$what: Trailer" if $r->{h}{trailer};
        push @bad, "$what: ranges" if $r->{h}{'accept-ranges'} || $r->{h}{'content-range'};
        push @bad, "$what: the source's tag" if ($r->{h}{etag} || '') =~ /^"origin/;
    }

    push @bad, "HEAD: $head->{status}" if $head->{status} != $get->{status};
    push @bad, 'HEAD: a body' if length $head->{body};
    for my $name (grep { defined $head->{h}{$_} } qw(content-type etag last-modified vary content-encoding)) {
        my $g = defined $get->{h}{$name} ? $get->{h}{$name} : '';
        push @bad, "HEAD: $name: $head->{h}{$name}, GET: $g" if $head->{h}{$name} ne $g;
    }
    my $length = $head->{h}{'content-length'};
    push @bad, "HEAD: length $length" if defined $length && $length != length $get->{body} && $head->{status} != 415;
    return @bad;
}

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: every status, body and mode; GET and HEAD
--- config
    location /resize/  { image_resize resize 50 -; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /webp/    { image_resize resize 50 -; image_resize_format webp; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /mark/    { image_resize resize 50 -; image_resize_watermark $TEST_NGINX_FIXTURES/quad-3x3.png; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /convert/ { image_resize convert; image_resize_sharpen 10; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /test/    { image_resize test; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /size/    { image_resize size; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /info/    { image_resize info; proxy_redirect off; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- script eval
sub {
    my $name = shift;
    fixture_path($_) for qw(photo-300x200.jpg photo-300x200.png text.txt quad-3x3.png);
    my $c = client();
    for my $mode (@main::made, qw(test size info)) {
        for my $status (@main::success, @main::others) {
            for my $file (qw(photo-300x200.jpg photo-300x200.png text.txt)) {
                my $type = $file eq 'text.txt' ? 'type=text:html,' : '';
                my $uri = "/$mode/status,${type}code=$status,sums,lm,ar,add=Trailer%3aX-Sum/$file";
                my @bad = main::faults($mode, $status, $file, $c->get($uri), $c->head($uri));
                Test::More::is("@bad", '', "$name - $mode $status $file");
            }
        }
    }
}


=== TEST 2: a success without a body is one; a partial nobody asked for is none, nor is what comes before an answer
--- config
    location /r/ { image_resize resize 50 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /t/ { image_resize test; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /dav/ { image_resize resize 50 -; dav_methods PUT; root $TEST_NGINX_SERVER_ROOT/html; }
--- rows
# photo-300x200.jpg
/r/status,void,code=201/quad-100x120.png        201 empty
/t/status,void,code=202/quad-100x120.png        202 empty
/r/status,void,code=204/quad-100x120.png        204 empty
/r/status,void,code=404/quad-100x120.png        404 empty
/r/status,void,code=200/quad-100x120.png        415
/r/status,code=206/quad-100x120.png             415
/t/status,code=206/quad-100x120.png             415
/r/status,code=102/quad-100x120.png             415
/t/status,code=102/quad-100x120.png             415
# a part is not asked for, so that nothing gets past the test
/t/range/text.txt [Range: bytes=0-]             415
/t/range/quad-100x120.png [Range: bytes=0-9]    200 same=quad-100x120.png Content-Type=image/png
/r/range/quad-100x120.png [Range: bytes=0-9]    200 png 50x60


=== TEST 3: a placeholder in place of an error
--- config
    location /a/ { image_resize resize 50 -; error_page 404 415 /p/quad-100x120.png; alias $TEST_NGINX_FIXTURES/; }
    location /ok/ { image_resize resize 50 -; error_page 404 =200 /p/quad-100x120.png; alias $TEST_NGINX_FIXTURES/; }
    location /u/ { image_resize resize 50 -; proxy_intercept_errors on; error_page 404 /p/quad-100x120.png; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /p/ { image_resize resize 20 -; add_header X-Status $image_resize_status always; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    # one that can't be made goes out as it is, but never without its watermark, and never round and round
    location /b/ { image_resize resize 50 -; error_page 404 /broken/trunc_quad-100x120.png; alias $TEST_NGINX_FIXTURES/; }
    location /broken/ { image_resize resize 20 -; image_resize_damaged strict; recursive_error_pages on; error_page 404 415 /broken/trunc_quad-100x120.png; add_header X-Status $image_resize_status always; alias $TEST_NGINX_FIXTURES/; }
    location /m/ { image_resize resize 50 -; error_page 404 /marked/trunc_quad-100x120.png; alias $TEST_NGINX_FIXTURES/; }
    location /marked/ {
        image_resize resize 20 -;
        image_resize_damaged strict;
        image_resize_watermark $TEST_NGINX_FIXTURES/quad-3x3.png;
        recursive_error_pages on;
        error_page 404 415 /marked/trunc_quad-100x120.png;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /l/ { image_resize resize 50 -; error_page 404 /large/quad-100x120.png; alias $TEST_NGINX_FIXTURES/; }
    location /large/ { image_resize resize 20 -; image_resize_buffer 100; alias $TEST_NGINX_FIXTURES/; }
    location /h/ { image_resize resize 50 -; error_page 404 /page.html; alias $TEST_NGINX_FIXTURES/; }
    location = /page.html { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/text.txt; }
    location /t/ { image_resize test; error_page 404 /tp/text.txt; alias $TEST_NGINX_FIXTURES/; }
    location /tp/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
--- rows
# text.txt trunc_quad-100x120.png quad-3x3.png
/a/none.png             404 png 20x24 Content-Type=image/png X-Status=transformed !X-Error !Accept-Ranges
HEAD /a/none.png        404 empty Content-Type=image/png Content-Length~^\d+$
/a/text.txt             415 png 20x24 X-Status=transformed X-Error=not_image
/a/quad-100x120.png     200 png 50x60
/ok/none.png            200 png 20x24
/u/plain/none.png       404 png 20x24
/u/plain/quad-100x120.png 200 png 50x60
/b/none.png             404 same=trunc_quad-100x120.png X-Status=original
/m/none.png             404 Content-Type=text/html
/l/none.png             404 same=quad-100x120.png
/h/none.png             404 same=text.txt
/t/none.png             404 same=text.txt


=== TEST 4: the body of an error streams
--- config
    location / { image_resize resize 50 -; proxy_buffering off; proxy_pass $TEST_NGINX_UPSTREAM; }
    location /buffer/ { image_resize resize 50 -; image_resize_buffer 100; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/status,code=404/noise-1200x800-q95.jpg         404 jpeg 50x33
/buffer/status,code=404/noise-1200x800-q95.jpg  404 same=noise-1200x800-q95.jpg
/buffer/status,code=404/text.txt                404 same=text.txt
/buffer/status,code=203/text.txt                415


=== TEST 5: 304 by time or by anything has the tag of 200
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=img:1m;
--- config
    location /c/ { image_resize resize 50 -; proxy_cache img; proxy_cache_valid 200 10m; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /r/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; }
    location /i/ { image_resize info; alias $TEST_NGINX_FIXTURES/; }
    location /s/ { image_resize size; alias $TEST_NGINX_FIXTURES/; }
    location /t/ { image_resize test; alias $TEST_NGINX_FIXTURES/; }
    location /asis/ { image_resize resize 600 -; alias $TEST_NGINX_FIXTURES/; }
    location /t304/ { image_resize test; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /p/ {
        image_resize resize 50 -;
        proxy_set_header If-None-Match "";
        proxy_set_header If-Modified-Since "";
        proxy_pass $TEST_NGINX_UPSTREAM/;
    }
--- rows
/r/photo-300x200.jpg                                            200 etag=weak
/r/photo-300x200.jpg [If-Modified-Since: $last_modified]        304 empty etag=same !Accept-Ranges
/r/photo-300x200.jpg [If-None-Match: *]                         304 empty etag=same
HEAD /r/photo-300x200.jpg [If-None-Match: *]                    304 empty etag=same
/i/photo-300x200.jpg                                            200 etag=weak
/i/photo-300x200.jpg [If-Modified-Since: $last_modified]        304 empty etag=same
/s/photo-300x200.jpg                                            200 etag=none
/s/photo-300x200.jpg [If-Modified-Since: $last_modified]        304 empty etag=none
/t/photo-300x200.jpg                                            200 etag=strong
/t/photo-300x200.jpg [If-None-Match: $etag]                     304 empty etag=same
/asis/photo-300x200.jpg                                         200 etag=strong
/asis/photo-300x200.jpg [If-None-Match: $etag]                  304 empty etag=same
/p/plain,lm,sums/photo-300x200.jpg                              200 etag=weak !Content-MD5 !Digest
/p/plain,lm,sums/photo-300x200.jpg [If-None-Match: *]           304 empty etag=same !Content-MD5 !Digest !Repr-Digest !X-Goog-Hash
# an upstream's own may tell the length of the source, which is not that of what is made of it
/t304/unchanged/photo-300x200.jpg [If-None-Match: "x"]          304 empty Content-Length~^\d+$
/p/unchanged/photo-300x200.jpg [If-None-Match: "x"]             304 empty !Content-Length
# of several tags none is left
/p/plain,etag="x1",add=ETag%3a"x2"/photo-300x200.jpg            200 ETag~^W/"x[12]-[0-9a-f]{32}"$
/c/plain,lm,sums/photo-300x200.jpg                              200 etag=weak !Content-MD5
/c/plain,lm,sums/photo-300x200.jpg [If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT] 304 empty etag=same !Content-MD5 !Digest


=== TEST 6: the sums of a source that goes out as it came stay
--- config
    location /r/ { image_resize resize 600 -; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/r/plain,sums/photo-300x200.jpg         200 same=photo-300x200.jpg Content-MD5~^0123 Digest~^0123 etag=strong
/r/gzip,sums/photo-300x200.jpg          200 same=photo-300x200.jpg !Content-MD5 !Digest etag=weak


=== TEST 7: upstreams are asked for what can be undone; clients get what they ask for
--- config
    gzip on;
    gzip_types application/json;
    gzip_min_length 1;
    gzip_proxied any;
    location /r/ { image_resize resize 50 -; proxy_http_version 1.1; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /s/ { image_resize size; proxy_http_version 1.1; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /t/ { image_resize test; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /off/ { proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
/r/plain,asked/quad-100x120.png [Accept-Encoding: gzip, deflate, br, zstd]      200 X-Asked=[gzip,%20deflate]
/r/plain,asked/quad-100x120.png [Accept-Encoding: br;q=1, gzip;q=0.5, *;q=0.1]  200 X-Asked=[gzip;q=0.5]
/r/plain,asked/quad-100x120.png                                                 200 X-Asked=nothing
/t/plain,asked/quad-100x120.png [Accept-Encoding: br, gzip]                     200 X-Asked=[gzip]
/off/plain,asked/quad-100x120.png [Accept-Encoding: br, gzip]                   200 X-Asked=[br,%20gzip]
/s/plain,asked/quad-100x120.png [Accept-Encoding: br, gzip]                     200 X-Asked=[gzip] Content-Encoding=gzip
/s/plain,asked/quad-100x120.png [Accept-Encoding: br]                           200 X-Asked~^(nothing|\[\])$ !Content-Encoding


=== TEST 8: image_resize_no_transform
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/img_cache keys_zone=img:1m;
    image_resize_no_transform on;
--- config
    location /r/ { image_resize resize 50 -; add_header X-Status $image_resize_status; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /off/ { image_resize resize 50 -; image_resize_no_transform off; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /mark/ { image_resize resize 50 -; image_resize_watermark $TEST_NGINX_FIXTURES/quad-3x3.png; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /cache/ { image_resize resize 50 -; proxy_cache img; proxy_cache_valid 200 10m; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /size/ { image_resize size; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
# quad-3x3.png
/r/plain,cc=no-transform,sums/photo-300x200.jpg                 200 same=photo-300x200.jpg etag=strong Content-MD5~^0123 X-Status=passed
/r/plain,add=Cache-Control%3amax-age=60|cache-control%3aNO-Transform/photo-300x200.jpg 200 same=photo-300x200.jpg
/r/plain,cc=no-transforms/photo-300x200.jpg                     200 jpeg 50x33
/r/status,code=203,cc=no-transform/photo-300x200.jpg            203 same=photo-300x200.jpg
/r/status,code=404,cc=no-transform/photo-300x200.jpg            404 same=photo-300x200.jpg etag=strong
/r/status,code=404/photo-300x200.jpg                            404 jpeg 50x33
/off/plain,cc=no-transform/photo-300x200.jpg                    200 jpeg 50x33
/mark/plain,cc=no-transform/photo-300x200.jpg                   200 jpeg 50x33
/size/plain,cc=no-transform/photo-300x200.jpg                   200 Content-Type=application/json
/cache/plain,ar,cc=no-transform/photo-300x200.jpg                  200 same=photo-300x200.jpg
/cache/plain,ar,cc=no-transform/photo-300x200.jpg [Range: bytes=0-9] 206 Content-Length=10


=== TEST 9: what is let through as SVG is SVG
--- http_config
    types { text/plain txt; image/jpeg jpg; }
--- config
    location /p/ { image_resize resize 50 -; image_resize_pass svg; image_resize_watermark $TEST_NGINX_FIXTURES/quad-3x3.png; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /t/ { image_resize test; image_resize_pass svg; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /no/ { image_resize resize 50 -; add_header X-Error $image_resize_error always; proxy_pass $TEST_NGINX_UPSTREAM/; }
--- rows
# quad-3x3.png
/p/plain,type=image:svg+xml/logo.svg            200 same=logo.svg Content-Type=image/svg+xml
/p/plain,type=application:xml/logo.svg          200 same=logo.svg Content-Type=image/svg+xml
/p/plain,type=image:svg+xml/photo-300x200.jpg   200 jpeg 50x33
/p/plain,type=image:svg+xml/text.txt            415
/p/gzip,type=image:svg+xml/logo.svg             200 Content-Encoding=gzip Content-Type=image/svg+xml
HEAD /p/plain,type=image:svg+xml/logo.svg       200 Content-Type=image/svg+xml
/t/plain,type=image:svg+xml/logo.svg            200 same=logo.svg
# Its name says nothing.
/p/plain,type=image:jpeg/logo.svg               200 same=logo.svg Content-Type=image/svg+xml
/t/plain,type=image:jpeg/logo.svg               200 same=logo.svg
/p/plain,type=image:jpeg/photo-300x200.jpg      200 jpeg 50x33
HEAD /p/plain,type=image:jpeg/photo-300x200.jpg 200
/t/plain,type=image:svg+xml/text.txt            415
/no/plain/logo.svg                              200 png 50x50 alpha


=== TEST 10: image types that are not read are named
--- config
    location / { image_resize resize 50 -; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
    location /test/ { image_resize test; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
--- rows
/picture.psd            415 X-Error=unsupported_format log=info:unsupported_format:PSD
/fax.tiff               415 X-Error=unsupported_format log=info:unsupported_format:TIFF
/test/picture.psd       415 X-Error=unsupported_format
/test/logo.svg          415 X-Error=unsupported_format
/text.txt               415 X-Error=not_image


=== TEST 11: a test has the limit of the buffer
--- config
    location / { image_resize test; image_resize_buffer 1k; add_header X-Error $image_resize_error always; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200.jpg      415 X-Error=too_large
HEAD /photo-300x200.jpg 415
/quad-3x3.png           200 same=quad-3x3.png


=== TEST 12: what is wrong with the configuration is seen at the default level, once a minute
--- config
    location /empty/ { image_resize resize $1 $2; alias $TEST_NGINX_FIXTURES/; }
    location /quality/ { set $q much; image_resize resize 50 -; image_resize_jpeg_quality $q; alias $TEST_NGINX_FIXTURES/; }
    location ~ ^/named/(?<w>\d+)x(?<h>\d+)/(?<f>.+)$ { image_resize resize $w $h; alias $TEST_NGINX_FIXTURES/$f; }
    location ~ ^/numbered/(\d+)x(\d+)/(?<f>.+)$ { image_resize resize $1 $2; alias $TEST_NGINX_FIXTURES/$f; }
    location /client/ { image_resize resize $arg_w -; alias $TEST_NGINX_FIXTURES/; }
    location /preset/ { set $p nowhere; image_resize_params preset=$p; alias $TEST_NGINX_FIXTURES/; }
    location /free/ { image_resize_params $args; alias $TEST_NGINX_FIXTURES/; }
--- rows
/empty/quad-100x120.jpg                 415 log=error:bad_params:width
/empty/quad-100x120.jpg                 415 log=info:bad_params:width
/quality/quad-100x120.jpg               415 log=error:bad_params:much
/quality/quad-100x120.jpg               415 log=info:bad_params
/client/quad-100x120.jpg?w=x            415 log=info:bad_params
/client/quad-100x120.jpg                415 log=info:bad_params
# What an expression captures of the URI is the client's, too.
/named/0x100/quad-100x120.jpg           415 log=info:bad_params:width
/numbered/0x100/quad-100x120.jpg        415 log=info:bad_params:width
/preset/quad-100x120.jpg                400 log=error:bad_params:nowhere
/free/quad-100x120.jpg?preset=nowhere   400 log=info:bad_params:nowhere


=== TEST 13: image_resize_debug_header
--- config
    location /d/ { image_resize resize 50 -; image_resize_debug_header on; alias $TEST_NGINX_FIXTURES/; }
    location /page/ { image_resize resize 50 -; image_resize_debug_header on; error_page 415 /why; alias $TEST_NGINX_FIXTURES/; }
    location /keep/ { image_resize resize 50 -; image_resize_debug_header on; image_resize_on_error original; alias $TEST_NGINX_FIXTURES/; }
    location /params/ { image_resize_params $args; image_resize_debug_header on; alias $TEST_NGINX_FIXTURES/; }
    location /u/ { image_resize resize 50 -; image_resize_debug_header on; proxy_pass $TEST_NGINX_UPSTREAM/; }
    location /off/ { image_resize resize 50 -; alias $TEST_NGINX_FIXTURES/; location /off/in/ { alias $TEST_NGINX_FIXTURES/; } }
    location = /why { return 200 why; }
--- rows
/d/text.txt                     415 X-Image-Error=not_image;%20not%20an%20image
/d/picture.psd                  415 X-Image-Error=unsupported_format;%20unsupported%20format:%20PSD
/d/quad-100x120.png             200 png 50x60 !X-Image-Error
/page/text.txt                  415 X-Image-Error~^not_image
/keep/text.txt                  200 same=text.txt X-Image-Error~^not_image
/params/quad-100x120.png?w=x    400 X-Image-Error~^bad_params;
/params/quad-100x120.png?w=%0a  400 X-Image-Error~^bad_params;
/u/plain/text.txt               415 X-Image-Error~^not_image
/off/text.txt                   415 !X-Image-Error
/d/none.png                     404 !X-Image-Error


=== TEST 14: an error that includes something, the body of its request in a file
--- config
    location / {
        ssi on;
        ssi_types *;
        client_body_in_file_only clean;
        image_resize resize 50 -;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/;
    }
    location /origin/ { client_body_in_file_only off; return 404 '<!--#include virtual="/in" -->'; }
    location = /in { internal; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/back; }
    location = /back { return 200 "[included]"; }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    $c->send_raw("POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" . 'x' x 5000, 'POST');
    my $r = $c->recv;
    Test::More::is($r->{status}, 404, "$name - status");
    Test::More::is($r->{body}, '[included]', "$name - body");
}
