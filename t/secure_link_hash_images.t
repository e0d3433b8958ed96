# secure_link_hash_require beside image_resize_url and image_resize_params: a link makes the picture that was
# signed, however its address is written, or it is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(http_config => q{
    secure_link_hash         $arg_t,$arg_e;
    secure_link_hash_key     key;
    secure_link_hash_require on;
    root                     $TEST_NGINX_FIXTURES;
    add_header               X-Reason $secure_link_hash_reason always;
    add_header               X-Address $secure_link_hash_request_uri always;
});
    my $config = $block->config;
    $config =~ s/(image_resize_(?:url|params) [^;]+;)/image_resize_allow all; image_resize_threads off; $1/g;
    $block->set_value(config => $config);
});

# The arguments that a message is signed by; "E" in it is the expiry.
sub signed {
    my ($message) = @_;
    my $e = LATER;
    (my $text = $message) =~ s/E$/$e/;
    return 't=' . mac_token($text, 'key') . "&e=$e";
}
{ no strict 'refs'; *{'Test::Base::Filter::signed'} = \&signed; }

plan('no_plan');
run_tests();

__DATA__

=== TEST 1: arguments by their names
--- config
    location /weserv/ {
        secure_link_hash_message "$uri|$arg_url|$arg_w|$secure_link_hash_expires";
        image_resize_url weserv;
        try_files $image_resize_source_path =404;
    }
    location /imgix/ {
        secure_link_hash_message "$uri|$arg_w|$secure_link_hash_expires";
        image_resize_url imgix;
        try_files $image_resize_source_path =404;
    }
    location /next/ {
        secure_link_hash_message "$uri|$arg_url|$arg_w|$arg_q|$secure_link_hash_expires";
        image_resize_url next;
        try_files $image_resize_source_path =404;
    }
    location /md5/ {
        secure_link_hash_md5 "$uri|$arg_w|$secure_link_hash_expires secret";
        image_resize_url imgix;
        try_files $image_resize_source_path =404;
    }
    location /free/ {
        secure_link_hash_message "$uri|$arg_url|$secure_link_hash_expires";
        secure_link_hash_unsigned_args w h;
        image_resize_url weserv;
        try_files $image_resize_source_path =404;
    }
--- rows eval
my $weserv = signed('/weserv/|photo-300x200.jpg|60|E');
my $imgix = signed('/imgix/photo-300x200.jpg|60|E');
my $next = signed('/next/_next/image|/photo-300x200.jpg|60|75|E');
my $free = signed('/free/|photo-300x200.jpg|E');
my $md5 = 't=' . md5_token('/md5/photo-300x200.jpg|60|' . LATER . ' secret') . '&e=' . LATER;
CORE::join "\n",
    "/weserv/?url=photo-300x200.jpg&w=60&$weserv                200 jpeg 60x40",
    "/weserv/?$weserv&w=60&url=photo-300x200.jpg                200 jpeg 60x40",
    "/weserv/?url=photo-300x200.jpg&w=60&$weserv&utm_source=x   200 jpeg 60x40",
    "/weserv/?%75rl=photo-300x200.png&url=photo-300x200.jpg&w=60&$weserv 403 X-Reason=unsigned line=info:secure_link_hash:not:signed",
    "/weserv/?url=photo-300x200.jpg&%77=200&w=60&$weserv        403 X-Reason=unsigned",
    "/weserv/?url=photo-300x200.jpg&width=200&w=60&$weserv      403 X-Reason=unsigned",
    "/weserv/?url=photo-300x200.jpg&W=60&$weserv                403 X-Reason=unsigned",
    "/weserv/?url=photo-300x200.jpg&w=60&$weserv&h=10           403 X-Reason=unsigned",
    "/weserv/?url=photo-300x200.jpg&w=60&$weserv&ll             403 X-Reason=unsigned",
    "/weserv/?url=photo-300x200.jpg&w=200&$weserv               403 X-Reason=mismatch",
    "/imgix/photo-300x200.jpg?w=60&$imgix                       200 jpeg 60x40",
    "/imgix/photo-300x200.jpg?w=60&$imgix&w=200                 403 X-Reason=unsigned",
    "/imgix/photo-300x200.jpg?w=60&$imgix&%77=200               403 X-Reason=unsigned",
    "/imgix/photo-300x200.jpg?w=60&$imgix&fit=crop              403 X-Reason=unsigned",
    "/md5/photo-300x200.jpg?w=60&$md5                           200 jpeg 60x40",
    "/md5/photo-300x200.jpg?w=60&$md5&w=200                     403 X-Reason=unsigned",
    "/next/_next/image?url=/photo-300x200.jpg&w=60&q=75&$next   200 jpeg 60x40",
    "/next/_next/image?%75rl=/photo-300x200.png&url=/photo-300x200.jpg&w=60&q=75&$next 400",
    "/free/?url=photo-300x200.jpg&w=60&$free                    200 jpeg 60x40",
    "/free/?url=photo-300x200.jpg&h=20&$free                    200 jpeg 30x20",
    "/free/?url=photo-300x200.jpg&w=60&fit=cover&$free          403 X-Reason=unsigned";


=== TEST 2: the whole address
--- config
    location /weserv/ {
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";
        image_resize_url weserv;
        try_files $image_resize_source_path =404;
    }
    location /strip/ {
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";
        secure_link_hash_strip t e;
        image_resize_params $args;
        rewrite ^/strip/(.*) /$1 break;
    }
    location /imgix/ {
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";
        image_resize_url imgix;
        try_files $image_resize_source_path =404;
    }
--- rows eval
my $l = LATER;
my $weserv = signed('/weserv/?url=photo-300x200.jpg&width=60|E');
my $strip = signed('/strip/photo-300x200.jpg?width=60|E');
my $imgix = signed('/imgix/photo-300x200.jpg?w=60&fill-color=red|E');
CORE::join "\n",
    "/weserv/?url=photo-300x200.jpg&width=60&$weserv    200 jpeg 60x40 X-Address=/weserv/?url=photo-300x200.jpg&width=60",
    "/weserv/?url=photo-300x200.jpg&w=200&width=60&$weserv 403 X-Reason=mismatch",
    "/weserv/?width=60&url=photo-300x200.jpg&$weserv    403 X-Reason=mismatch",
    "/weserv//?url=photo-300x200.jpg&width=60&$weserv   403 X-Reason=mismatch",
    "/strip/photo-300x200.jpg?width=60&$strip           200 jpeg 60x40 X-Address=/strip/photo-300x200.jpg?width=60",
    "/strip/photo-300x200.jpg?width=60&$strip&width=200 403 X-Reason=mismatch",
    "/strip/photo-300x200%2ejpg?width=60&$strip         403 X-Reason=mismatch",
    "/imgix/photo-300x200.jpg?w=60&fill-color=red&$imgix 200 jpeg 60x40",
    "/imgix/photo-300x200.jpg?w=60&fill-color=blue&$imgix 403 X-Reason=mismatch";


=== TEST 3: paths
--- config
    location / {
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        location /imgproxy/ { image_resize_url imgproxy; try_files $image_resize_source_path =404; }
        location /thumbor/ { image_resize_url thumbor; try_files $image_resize_source_path =404; }
        location /ipx/ { image_resize_url ipx; try_files $image_resize_source_path =404; }
        location /cloudflare/ {
            image_resize_url cloudflare;
            try_files $image_resize_source_path =404;
        }
        location /iiif/ { image_resize_url iiif; try_files $image_resize_source_path =404; }
        location /rewritten/ { image_resize_url ipx; rewrite ^ $image_resize_source_path break; }
        location /prefix/ {
            secure_link_hash_prefix on;
            secure_link_hash_message "$secure_link_hash_expires";
            image_resize_url imgproxy;
            try_files $image_resize_source_path =404;
        }
    }
--- rows eval
my $f = 'photo-300x200.jpg';
my $imgproxy = signed("/imgproxy/sig/rs:fit:60:60/plain/$f|E");
my $thumbor = signed("/thumbor/sig/60x60/$f|E");
my $meta = signed("/thumbor/sig/meta/60x60/$f|E");
my $ipx = signed("/ipx/w_60/$f|E");
my $cloudflare = signed("/cloudflare/cdn-cgi/image/width=60/$f|E");
my $iiif = signed("/iiif/$f/full/60,/0/default.jpg|E");
my $l = LATER;
my $prefix = base64url('/prefix/sig/rs:fit:60:60/') . '.';
my $folder = "t=$prefix" . mac_token("$prefix$l", 'key') . "&e=$l";
CORE::join "\n",
    "/imgproxy/sig/rs:fit:60:60/plain/$f?$imgproxy          200 jpeg 60x40",
    "/imgproxy/sig/rs%3afit:60:60/plain/photo%2D300x200.jpg?$imgproxy 200 jpeg 60x40",
    "/imgproxy/sig/./rs:fit:60:60/x/..//plain/$f?$imgproxy  400",
    "/imgproxy/sig%2Frs:fit:60:60/plain/$f?$imgproxy        403 X-Reason=unsigned",
    "/imgproxy/sig/rs:fit:200:200/../rs:fit:60:60/plain/$f?$imgproxy 400",
    "/thumbor/sig/60x60/$f?$thumbor                         200 jpeg 60x60",
    "/thumbor/sig//60x60/$f?$thumbor                        403 X-Reason=unsigned",
    "/thumbor/sig/meta/60x60/$f?$meta                       200",
    "/ipx/w_60/$f?$ipx                                      200 jpeg 60x40",
    "/ipx/w_200/../w_60/$f?$ipx                             400",
    "/cloudflare/cdn-cgi/image/width=60/$f?$cloudflare      200 jpeg 60x40",
    "/cloudflare/cdn-cgi/image/width=60/$f?" . CORE::join('&', CORE::reverse split /&/, $cloudflare) . " 200 jpeg 60x40",
    "/cloudflare/cdn-cgi/image/width=60/$f?$cloudflare&other=1 403 X-Reason=unsigned",
    "/cloudflare/cdn-cgi/image/width=60/$f?$cloudflare&e=1  403 X-Reason=unsigned",
    "/iiif/$f/full/60,/0/default.jpg?$iiif                  200 jpeg 60x40",
    "/iiif/$f%2Ffull/60,/0/default.jpg?$iiif                404",
    "/rewritten/w_200/$f?" . signed("/$f|E") . "            403 X-Reason=unsigned",
    "/prefix/sig/rs:fit:60:60/plain/$f?$folder              200 jpeg 60x40",
    "/prefix/sig%2Frs:fit:60:60/plain/$f?$folder            403 X-Reason=unsigned",
    "/prefix/sig/rs:fit:60:60/plain/../../rs:fit:200:200/plain/$f?$folder 403";


=== TEST 4: all arguments, and some of them signed
--- config
    location /params/ {
        secure_link_hash_message "$uri|$arg_width|$secure_link_hash_expires";
        secure_link_hash_strip t e;
        image_resize_params $args;
        try_files /photo-300x200.jpg =404;
    }
    location /whole/ {
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";
        image_resize_params $args;
        try_files /photo-300x200.jpg =404;
    }
    location /open/ {
        secure_link_hash_require off;
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";
        image_resize_params $query_string;
        try_files /photo-300x200.jpg =404;
    }
    location /listed/ {
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        secure_link_hash_unsigned_args width;
        secure_link_hash_strip t e;
        image_resize_params $args;
        try_files /photo-300x200.jpg =404;
    }
    location /off/ {
        secure_link_hash_require off;
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        image_resize_url imgix;
        try_files /photo-300x200.jpg =404;
    }
--- rows eval
my $params = signed('/params/a|60|E');
my $none = signed('/params/a||E');
my $listed = signed('/listed/a|E');
CORE::join "\n",
    "/params/a?$none                            200 jpeg 300x200",
    "/params/a?width=60&$params                 200 jpeg 60x40",
    "/params/a?%77idth=60&$params               403 X-Reason=mismatch",
    "/params/a?WIDTH=60&$params                 403 X-Reason=unsigned",
    "/params/a?width=60&height=20&$params       403 X-Reason=unsigned",
    "/params/a?width=60&width=60&$params        403 X-Reason=unsigned",
    "/params/a?width=60&$params&width=200       403 X-Reason=unsigned",
    # Token and expiry are no parameters.
    '/whole/a?width=60&' . signed('/whole/a?width=60|E') . ' 200 jpeg 60x40',
    '/whole/a?' . signed('/whole/a|E') . '      200 jpeg 300x200',
    '/whole/a?width=60&x=1&' . signed('/whole/a?width=60&x=1|E') . ' 400',
    '/whole/a?width=61&' . signed('/whole/a?width=60|E') . ' 403 X-Reason=mismatch',
    '/open/a?t=&width=60&e=1                    200 jpeg 60x40',
    "/listed/a?width=60&$listed                 200 jpeg 60x40",
    "/listed/a?height=60&$listed                403 X-Reason=unsigned",
    "/listed/a?width=60,height=20&$listed       403 X-Reason=unsigned",
    "/listed/a?width=60/height=20&$listed       403 X-Reason=unsigned",
    '/off/a?w=60&' . signed('/off/a|E') . '     200 jpeg 60x40';
