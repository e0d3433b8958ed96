# image_resize_metadata of what goes out with its own pixels: nothing in any place, and whose ETag it has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

start_upstream();

plan 'no_plan';

run_tests();

__DATA__

=== TEST 1: stripped pixels are the source's own, under a weak tag of their own
--- config
    add_header X-Status $image_resize_status always;
    location /strip/ { image_resize resize 400 400; alias $TEST_NGINX_FIXTURES/; }
    location /copy/  { image_resize resize 400 400; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
    location /keep/  { image_resize resize 400 400; image_resize_metadata keep; alias $TEST_NGINX_FIXTURES/; }
--- rows
/strip/photo-300x200-meta.jpg   200 jpeg 300x200 bare etag=weak psnr>90:photo-300x200-meta.jpg X-Status=transformed
/strip/photo-300x200-meta.jpg [If-None-Match: $etag] 304 empty etag=same
HEAD /strip/photo-300x200-meta.jpg  200 empty etag=same
/strip/photo-300x200-meta.jpg [If-Modified-Since: $last_modified] 304 empty
/strip/photo-300x200-meta.png   200 png 300x200 bare etag=weak psnr>90:photo-300x200-meta.png
/strip/photo-300x200-meta.png [If-None-Match: $etag] 304 empty etag=same
/strip/photo-300x200-meta.webp  200 webp 300x200 bare etag=weak psnr>90:photo-300x200-meta.webp
/copy/photo-300x200-meta.jpg    200 jpeg 300x200 etag=weak psnr>90:photo-300x200-meta.jpg X-Status=transformed
/copy/photo-300x200-meta.png    200 png 300x200 etag=weak psnr>90:photo-300x200-meta.png
/copy/photo-300x200-meta.webp   200 webp 300x200 etag=weak psnr>90:photo-300x200-meta.webp
# another policy is another variant
/strip/photo-300x200-meta.jpg   200 etag=other
/copy/photo-300x200-meta.jpg [If-None-Match: $etag] 200 etag=other
# as it came, under the tag that it came with
/keep/photo-300x200-meta.jpg    200 same=photo-300x200-meta.jpg etag=strong X-Status=original
/keep/photo-300x200-meta.jpg [If-None-Match: $etag] 304 empty etag=same


=== TEST 2: where there is nothing to be stripped, not a byte changes
--- config
    add_header X-Status $image_resize_status always;
    location /strip/ { image_resize resize 400 400; alias $TEST_NGINX_FIXTURES/; }
    location /copy/  { image_resize resize 400 400; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
--- rows
/strip/photo-300x200.jpg    200 same=photo-300x200.jpg etag=strong X-Status=original
/strip/photo-300x200.jpg [If-None-Match: $etag] 304 empty etag=same
/strip/photo-300x200.jpg [If-None-Match: *] 304 empty
HEAD /strip/photo-300x200.jpg 200 empty
/copy/photo-300x200.jpg     200 same=photo-300x200.jpg etag=strong X-Status=original
/strip/photo-300x200.png    200 png 300x200 bare
/strip/photo-300x200.webp   200 same=photo-300x200.webp etag=strong X-Status=original


=== TEST 3: from an upstream
--- config
    add_header X-Status $image_resize_status always;
    location /p/ { image_resize resize 400 400; proxy_http_version 1.1; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
--- rows
/p/plain/photo-300x200-meta.jpg     200 jpeg 300x200 bare psnr>90:photo-300x200-meta.jpg X-Status=transformed
/p/chunked/photo-300x200-meta.jpg   200 jpeg 300x200 bare
/p/gzip/photo-300x200-meta.jpg      200 jpeg 300x200 bare !Content-Encoding
/p/plain/photo-300x200.jpg          200 same=photo-300x200.jpg X-Status=original


=== TEST 4: ExifTool finds author and rights, and nothing else
--- config
    location / { image_resize resize 400 400; image_resize_metadata copyright; alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    require Image::ExifTool;
    for my $ext (qw(jpg png webp)) {
        fixture("photo-300x200-meta.$ext");
        my $r = client()->get("/photo-300x200-meta.$ext");
        Test::More::is($r->{status}, 200, "$name - $ext - status");
        my $t = Image::ExifTool->new;
        $t->Options(Duplicates => 1, Unknown => 1, ExtractEmbedded => 1);
        $t->ExtractInfo(\$r->{body});
        my %found = map { $_ => $t->GetValue($_) } grep { $t->GetGroup($_, 0) eq 'EXIF' || $t->GetGroup($_, 0) =~ /XMP|IPTC|Photoshop|MakerNotes/ } $t->GetFoundTags;
        Test::More::is(CORE::join(' ', sort grep { $_ ne 'ExifByteOrder' } keys %found), 'Artist Copyright', "$name - $ext - tags");
        Test::More::like($found{Copyright}, qr/\(c\) Ada Author/, "$name - $ext - words");
    }
}


=== TEST 5: what is sent because it can't be read has what it had
--- config
    image_resize_on_error original;
    location / { image_resize resize 400 400; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt   200 same=text.txt


=== TEST 6: in place of a larger output
--- config
    add_header X-Status $image_resize_status always;
    location / { image_resize convert; image_resize_format png; alias $TEST_NGINX_FIXTURES/; }
--- rows
/photo-300x200-meta.jpg     200 jpeg 300x200 bare etag=weak psnr>90:photo-300x200-meta.jpg X-Status=transformed
/photo-300x200.jpg          200 same=photo-300x200.jpg etag=strong X-Status=original
