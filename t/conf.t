# What "nginx -t" says to wrong directives: it must refuse, and the message must name
# the directive. Each row of the tables becomes a block of its own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

# Directive, then what must be in the message besides the name. Stands in a location.
my $wrong = <<'E_';
image_resize;                               | invalid number of arguments
image_resize grow;                          | grow
image_resize grow 10 10;                    | grow
image_resize off off;                       |
image_resize test 10;                       |
image_resize size 10 10;                    |
image_resize convert webp;                  |
image_resize resize;                        |
image_resize resize 10;                     |
image_resize resize 10 20 30 40 50;         |
image_resize resize 0 10;                   | 0
image_resize resize 10 0;                   | 0
image_resize resize -1 10;                  | -1
image_resize resize 10 x;                   | x
image_resize resize 10.5 10;                | 10.5
image_resize resize "" 10;                  |
image_resize resize 99999999999999999999 1; | 99999999999999999999
image_resize crop 10;                       |
image_resize crop 0 -;                      | 0
image_resize crop x 10;                     | x
image_resize info 10;                       |
image_resize pad;                           |
image_resize pad 10;                        |
image_resize pad 0 10;                      | 0
image_resize stretch 10 x;                  | x
image_resize resize 10 10 gravity=up;       | up
image_resize crop 10 10 gravity=0.5;        | 0.5
image_resize crop 10 10 gravity=;           |
image_resize crop 10 10 colour=red;         | colour=red
image_resize crop 10 10 enlarge=yes;        | yes
image_resize crop 10 10 enlarge=on enlarge=on; | duplicate
image_resize crop 10 10 dpr=0.5;            | 0.5
image_resize crop 0% 10;                      | 0%
image_resize crop 10 10 ar=1:0;               | proportions
image_resize crop 10 10 zoom=0;               | 0.01
image_resize crop 10 10 min_width=0;          | 0
image_resize crop 10 10 rotate_box=on;        | before or after
image_resize_mask moon;                       | off, circle, ellipse, triangle, triangle-180, pentagon, pentagon-180, hexagon, square, star or heart
image_resize_mask circle trim=1;              | on
image_resize_border 1,2;                      | top,right,bottom,left
image_resize_border 1 color=blur;             | a colour
image_resize_border 1 place=under;            | around or over
image_resize_page 0;                          | from 1 to 10000
image_resize_crop 0,0,9,9 gravity=smart;      | smart
image_resize crop 10 10 clamp=on;             | off, ratio or sides
image_resize auto 10;                         | invalid number of arguments
image_resize_trim 1 corner=left;              | top-left or bottom-right
image_resize_padding 1,2;                     | top,right,bottom,left
image_resize_opacity 1.5;                     | from 0 to 1
image_resize_flatten 1;                       | on
image_resize_lossless 1;                      | on
image_resize_subsampling 411;                 | 420, 422, 444 or auto
image_resize_colors 1;                        | from 2 to 256
image_resize_trim 1,2;                        | top,right,bottom,left
image_resize_trim 1 color=nocolour;           | nocolour
image_resize_trim 1 equal=on;                 | off, horizontal, vertical or both
image_resize_adjust sepia=2;                  | from 0 to 1
image_resize_adjust duotone=red;              | two colours
image_resize_background blurred;              | blur
image_resize_crop 1,2,3;                      | x,y,width,height
image_resize_crop 1,2,3,4 before=1,2,3,4;     | before
image_resize_crop off after=0,0,0,1;          | 0,0,0,1
image_resize crop 10 10 round=up;           | down or nearest
image_resize outside 10;                    | invalid number of arguments
image_resize aspect-crop 10;                | invalid number of arguments
image_resize pad 10 10 background=nocolour; | nocolour
image_resize convert gravity=smart;         |
image_resize_blur;                          | invalid number of arguments
image_resize_blur -1;                       | -1
image_resize_blur 251;                      | 251
image_resize_adjust;                        | invalid number of arguments
image_resize_adjust bright;                 | bright
image_resize_adjust brightness=-1;          | -1
image_resize_adjust contrast=11;            | 11
image_resize_adjust saturation=x;           | x
image_resize_adjust hue=361;                | 361
image_resize_adjust gamma=0;                | 0
image_resize_adjust grayscale=1;            | 1
image_resize_adjust hue=1 hue=2;            | duplicate
image_resize_trim;                          | invalid number of arguments
image_resize_trim 256;                      | 256
image_resize_pixelate -1;                   | -1
image_resize_pixelate 65536;                | a number of pixels from 0 to 65535
image_resize_max_bytes;                     | invalid number of arguments
image_resize_max_bytes 0;                   | 0
image_resize_max_bytes small;               | small
image_resize_params;                        | invalid number of arguments
image_resize_url;                           | invalid number of arguments
image_resize_url imagemagick;               | one of cloudflare
image_resize_url next unknown=500;          | unknown=500
image_resize_url next hosts=;               | no name of hosts
image_resize_url next hosts=a.test,*;       | "*" is no name of hosts
image_resize_url next hosts=a hosts=b;      | is duplicate
image_resize_url next base=https://a;   | it must be unknown=400, unknown=ignore or hosts=LIST
image_resize_url iiif base=a.test;      | a URL as in https://example.com
image_resize_url iiif base=https://a/;  | a URL as in https://example.com
image_resize_url iiif base=http://a base=http://b; | is duplicate
image_resize_url iiif root=a;           | it must be unknown=400, unknown=ignore, base=URL or hosts=LIST
image_resize_url next root=a;               | it must be unknown=400, unknown=ignore or hosts=LIST
image_resize_allow all width=1;             | stands alone
image_resize_allow width=1 all;             | stands alone
image_resize_params width=x;                | "x" is no valid width
image_resize_params colour=red;             | unknown name "colour"
image_resize_allow;                         | invalid number of arguments
image_resize_allow width;                   | "width" has no values
image_resize_allow width=;                  | "" is no valid width
image_resize_allow width=200-100;           | "200-100" is no valid width
image_resize_allow colour=*;                | unknown name "colour"
image_resize_allow w=1 width=2;             | duplicate name "width"
image_resize rotate;                        |
image_resize rotate 45;                     | 45
image_resize rotate 0;                      | 0
image_resize rotate 360;                    | 360
image_resize rotate -90;                    | -90
image_resize rotate 90 90;                  |
image_resize_buffer;                        | invalid number of arguments
image_resize_buffer 1m 2m;                  | invalid number of arguments
image_resize_buffer big;                    | big
image_resize_buffer 1x;                     | 1x
image_resize_buffer -1;                     | -1
image_resize_buffer 0;                      | 0
image_resize_jpeg_quality;                  | invalid number of arguments
image_resize_jpeg_quality 0;                | 0
image_resize_jpeg_quality -5;               | -5
image_resize_jpeg_quality best;             | best
image_resize_jpeg_quality 75 80;            | invalid number of arguments
image_resize_webp_quality;                  | invalid number of arguments
image_resize_webp_quality 0;                | 0
image_resize_webp_quality lossless;         | lossless
image_resize_webp_quality 80 effort=7;      | effort=7
image_resize_webp_quality 80 effort=-1;     | effort=-1
image_resize_webp_quality 80 effort=;       | effort=
image_resize_webp_quality 80 speed=1;       | speed=1
image_resize_webp_quality 80 effort=1 effort=2; | invalid number of arguments
image_resize_avif_quality;                  | invalid number of arguments
image_resize_avif_quality 0;                | 0
image_resize_avif_quality best;             | best
image_resize_avif_quality 60 speed=11;      | speed=11
image_resize_avif_quality 60 speed=x;       | speed=x
image_resize_avif_quality 60 effort=1;      | effort=1
image_resize_jxl_quality;                   | invalid number of arguments
image_resize_jxl_quality 0;                 | 0
image_resize_jxl_quality 80 effort=0;       | effort=0
image_resize_jxl_quality 80 effort=10;      | effort=10
image_resize_format auto=;                  | auto=
image_resize_format auto=jpeg;              | auto=jpeg
image_resize_format auto=webp,webp;         | auto=webp,webp
image_resize_format auto,webp;              | auto,webp
image_resize_png_compression;               | invalid number of arguments
image_resize_png_compression 9;             | 9
image_resize_png_compression $arg_c;        | $arg_c
image_resize_png_compression best best;     | invalid number of arguments
image_resize_sharpen;                       | invalid number of arguments
image_resize_sharpen -1;                    | -1
image_resize_sharpen much;                  | much
image_resize_animation;                     | invalid number of arguments
image_resize_animation on;                  | on
image_resize_animation all first;           | invalid number of arguments
image_resize_damaged;                       | invalid number of arguments
image_resize_damaged on;                    | on
image_resize_damaged strict lenient;        | invalid number of arguments
image_resize_hdr;                           | invalid number of arguments
image_resize_hdr on;                        | on
image_resize_hdr keep off;                  | invalid number of arguments
image_resize_heif;                          | invalid number of arguments
image_resize_heif on;                       | on
image_resize_heif auto off;                 | invalid number of arguments
image_resize_transparency;                  | invalid number of arguments
image_resize_transparency yes;              | yes
image_resize_transparency on off;           | invalid number of arguments
image_resize_interlace;                     | invalid number of arguments
image_resize_interlace 1;                   | 1
image_resize_background;                    | invalid number of arguments
image_resize_background notacolour;         | notacolour
image_resize_background "#12345";           | #12345
image_resize_background "#gggggg";          | #gggggg
image_resize_background rgb(1,2);           | rgb(1,2)
image_resize_background rgb(a,b,c);         | rgb(a,b,c)
image_resize_orient;                        | invalid number of arguments
image_resize_orient auto;                   | auto
image_resize_profile;                       | invalid number of arguments
image_resize_profile adobe;                 | adobe
image_resize_profile on;                    | on
image_resize_metadata;                      | invalid number of arguments
image_resize_metadata on;                   | on
image_resize_metadata gps;                  | gps
image_resize_format;                        | invalid number of arguments
image_resize_format bmp;                    | bmp
image_resize_format image/png;              | image/png
image_resize_format jpeg png;               |
image_resize_limit;                         | invalid number of arguments
image_resize_limit 50m;                     | 50m
image_resize_limit colours=5;               | colours=5
image_resize_limit pixels;                  | pixels
image_resize_limit pixels=;                 | pixels=
image_resize_limit pixels=many;             | pixels=many
image_resize_limit pixels=0;                | pixels=0
image_resize_limit pixels=-1;               | pixels=-1
image_resize_limit width=0;                 | width=0
image_resize_limit width=wide;              | width=wide
image_resize_limit height=;                 | height=
image_resize_limit frames=x;                | frames=x
image_resize_limit output_pixels=x;         | output_pixels=x
image_resize_limit scans=x;                 | scans=x
image_resize_limit time=x;                  | time=x
image_resize_limit time=0;                  | time=0
image_resize_limit memory=x;                | memory=x
image_resize_limit memory=0;                | memory=0
image_resize_limit jobs=0;                  | jobs=0
image_resize_limit jobs=x;                  | jobs=x
image_resize_limit queue=x;                 | queue=x
image_resize_limit queue=-1;                | queue=-1
image_resize_threads;                       | invalid number of arguments
image_resize_threads a b;                   | invalid number of arguments
image_resize_watermark;                     | invalid number of arguments
image_resize_watermark /no/such.png;        | /no/such.png
image_resize_watermark /no/such.png off;    | it must be a file or text=
image_resize_watermark $uri $uri;           | it must be a file or text=
image_resize_watermark $uri text=a;         | either a file or a "text"
image_resize_watermark opacity=1;           | either a file or a "text"
image_resize_watermark text=a;              | needs a "font"
image_resize_watermark text=a font=/no/such.ttf; | /no/such.ttf
image_resize_watermark text=a font=/etc/hostname; | not a font
image_resize_watermark text="a font=$uri;   | quotes
image_resize_watermark $uri size=10;        | of a text
image_resize_watermark $uri position=middle; | middle
image_resize_watermark $uri offset=1;       | 1
image_resize_watermark $uri offset=1,2,3;   | 1,2,3
image_resize_watermark $uri offset=1,x;     | 1,x
image_resize_watermark $uri opacity=50;     | 50
image_resize_watermark $uri opacity=-0.1;   | -0.1
image_resize_watermark $uri scale=0;        | 0
image_resize_watermark $uri scale=101%;     | 101%
image_resize_watermark $uri tile=yes;       | yes
image_resize_watermark $uri rotate=361;     | 361
image_resize_watermark $uri rotate=x;       | x
image_resize_watermark $uri tile=on tile=on; | stands twice
image_resize_watermark $uri shadow=on;      | shadow=on
image_resize_watermark text=a font=$uri size=0; | 0
image_resize_watermark text=a font=$uri color=none; | none
image_resize_watermark off; image_resize_watermark $uri; | is "off"
image_resize_on_error;                      | invalid number of arguments
image_resize_on_error 404;                  | 404
image_resize_on_error /x;                   | /x
image_resize_on_error =;                    | URI
image_resize_on_error =http://example.org/; | URI
image_resize_pass;                          | invalid number of arguments
image_resize_pass pdf;                      | pdf
image_resize_pass svg=raw;                  | svg=raw
E_

# What may stand once a level.
my $duplicate = <<'E_';
image_resize_on_error 415;
image_resize_pass svg;
image_resize_buffer 1m;
image_resize_jpeg_quality 80;
image_resize_webp_quality 80;
image_resize_avif_quality 60;
image_resize_png_compression best;
image_resize_sharpen 10;
image_resize_blur 1;
image_resize_adjust hue=1;
image_resize_trim 1;
image_resize_pixelate 8;
image_resize_max_bytes 1k;
image_resize_animation first;
image_resize_damaged strict;
image_resize_transparency on;
image_resize_interlace on;
image_resize_background white;
image_resize_orient on;
image_resize_profile keep;
image_resize_metadata keep;
image_resize_format png;
image_resize_limit pixels=1m;
image_resize_threads off;
E_

# Everything that must be accepted, at every level where it may stand.
my $right = <<'E_';
image_resize_buffer 1;
image_resize_buffer 100k;
image_resize_buffer 2048m;
image_resize_jpeg_quality 1;
image_resize_jpeg_quality 100;
image_resize_jpeg_quality 250;
image_resize_jpeg_quality $arg_q;
image_resize_jpeg_quality "${arg_q}0";
image_resize_webp_quality 80;
image_resize_webp_quality 80 effort=0;
image_resize_webp_quality $arg_q effort=6;
image_resize_png_compression fast;
image_resize_png_compression balanced;
image_resize_png_compression best;
image_resize_sharpen 0;
image_resize_sharpen 50;
image_resize_sharpen $arg_s;
image_resize_blur 0.5;
image_resize_blur $arg_s;
image_resize_adjust brightness=1.1 contrast=0.9 saturation=0 hue=-30 gamma=2.2 grayscale=on;
image_resize_adjust brightness=$arg_b;
image_resize_trim off;
image_resize_trim 10;
image_resize_trim $arg_t;
image_resize_pixelate 8;
image_resize_pixelate $arg_p;
image_resize_max_bytes off;
image_resize_max_bytes 100k;
image_resize_max_bytes $arg_m;
image_resize_animation all;
image_resize_animation first;
image_resize_damaged lenient;
image_resize_damaged strict;
image_resize_transparency off;
image_resize_interlace on;
image_resize_background "#fff";
image_resize_background "#ffeedd";
image_resize_background ffeedd;
image_resize_background "rgb(1, 2, 3)";
image_resize_background rgb(1,2,3);
image_resize_background black;
image_resize_background White;
image_resize_background $arg_b;
image_resize_orient off;
image_resize_profile srgb;
image_resize_profile keep;
image_resize_profile strip;
image_resize_metadata strip;
image_resize_metadata copyright;
image_resize_metadata keep;
image_resize_format original;
image_resize_format jpeg;
image_resize_format png;
image_resize_format gif;
image_resize_format webp;
image_resize_format avif;
image_resize_format auto;
image_resize_format auto=webp;
image_resize_format auto=webp,avif;
image_resize_avif_quality 60;
image_resize_avif_quality 200 speed=0;
image_resize_jxl_quality $arg_q effort=9;
image_resize_avif_quality $arg_q speed=10;
image_resize_format $arg_f;
image_resize_limit pixels=50m;
image_resize_limit pixels=1000000 width=100 height=100 frames=1 output_pixels=1m scans=10 time=500ms memory=64m jobs=2 queue=0;
image_resize_limit time=1s;
image_resize_limit time=1m;
image_resize_threads off;
image_resize_threads default;
image_resize_watermark off;
image_resize_watermark $arg_mark;
image_resize_watermark marks/$arg_mark position=southeast offset=10,-10 opacity=50% scale=.25 tile=off rotate=-45;
image_resize_watermark text=$host font=$arg_font size=40 color=rgb(1,2,3) tile=on;
image_resize_on_error 415;
image_resize_on_error original;
image_resize_on_error =/fallback.png?a=b;
image_resize_on_error =@fallback;
image_resize_on_error =$arg_to;
image_resize_pass svg;
image_resize_pass svg=sanitized;
image_resize_pass off;
E_

my $modes = <<'E_';
image_resize off;
image_resize test;
image_resize size;
image_resize convert;
image_resize resize 1 1;
image_resize resize - -;
image_resize resize $arg_w -;
image_resize resize $arg_w $arg_h;
image_resize crop 10 -;
image_resize crop $arg_w $arg_h;
image_resize rotate 90;
image_resize rotate $arg_a;
image_resize info;
image_resize pad 10 -;
image_resize stretch $arg_w $arg_h;
image_resize crop 10 10 gravity=smart enlarge=on dpr=1.5 background=red;
image_resize outside 10 10 round=nearest;
image_resize crop 50% - ar=16:9 zoom=1.5 min_width=5 min_height=- max_width=$arg_w max_height=90 rotate_box=after;
image_resize_crop 0,0,50%,0.5 after=1:2:3:4;
image_resize_crop $arg_c after=$arg_a;
image_resize_padding 10,0,10,0;
image_resize_padding $arg_p;
image_resize_opacity 0.25;
image_resize_mask circle trim=on;
image_resize_mask $arg_m trim=$arg_t;
image_resize_border 4;
image_resize_border 1,2,3,4 color=#ff000080 place=over;
image_resize_border $arg_b color=$arg_c place=$arg_p;
image_resize_page 3;
image_resize_page $arg_p;
image_resize_crop 0,0,10,10 gravity=southeast:5:5;
image_resize aspect-pad 10 10;
image_resize auto 10 10 clamp=ratio adaptive=on gravity=10px:20px;
image_resize_flatten $arg_f;
image_resize_lossless on;
image_resize_subsampling $arg_s;
image_resize_colors 64;
image_resize_trim 1,2,3,4;
image_resize_trim 10 color=white equal=both;
image_resize_adjust negate=on sepia=0.5 tint=navy duotone=navy,red;
image_resize_background blur;
image_resize_background rgba(1,2,3,0.5);
image_resize aspect-crop 10 10 round=$arg_r;
image_resize pad 10 10 gravity=$arg_g enlarge=$arg_e dpr=$arg_d background=$arg_b;
image_resize_params $args;
image_resize_params width=100,height=100;
image_resize_allow width=100,200,400-1600 format=* p=*;
E_

my @spec;
my $n = 0;

sub block {
    my ($title, %s) = @_;
    $s{config} .= "\nlocation \@fallback { }" if ($s{config} || '') =~ /=\@fallback/;
    my $text = sprintf "=== TEST %d: %s\n", ++$n, $title;
    for my $k (qw(threads http_config config must_die error_log suppress_stderr request error_code)) {
        next if !defined $s{$k};
        (my $v = $s{$k}) =~ s/\n*\z/\n/;
        $text .= $v =~ /\S/ ? "--- $k\n$v" : "--- $k\n";
    }
    push @spec, "$text\n";
}

sub lines { grep { /\S/ } split /\n/, shift }

for (lines($wrong)) {
    my ($directive, $hint) = split /\s*\|\s*/, $_, 2;
    my ($name) = $directive =~ /^(\w+)/;
    block("refused: $directive", config => "location /x { $directive }", must_die => '',
          error_log => "[emerg]\n\"$name\" directive\nnginx.conf:" . (length $hint ? "\n$hint" : ''),
          suppress_stderr => '');
}

for my $directive (lines($duplicate)) {
    my ($name) = $directive =~ /^(\w+)/;
    block("duplicate: $directive", config => "location /x { $directive $directive }", must_die => '',
          error_log => "[emerg]\n\"$name\" directive is duplicate", suppress_stderr => '');
}

# image_resize is of a location
for my $directive ('image_resize resize 10 10;', 'image_resize off;') {
    block("not in a server: $directive", config => $directive, must_die => '',
          error_log => "[emerg]\n\"image_resize\" directive is not allowed here", suppress_stderr => '');
    block("not in http: $directive", http_config => $directive, config => '', must_die => '',
          error_log => "[emerg]\n\"image_resize\" directive is not allowed here", suppress_stderr => '');
}

# image_resize_preset is of http
for (['a "w=1"; image_resize_preset a "w=2"', 'duplicate name "a"'], ['"a b" "w=1"', '"a b" is no valid name'],
     ['a "w=x"', '"x" is no valid w'], ['a "p=b"', "a preset can't name a preset"],
     ['a', 'invalid number of arguments']) {
    my ($arguments, $hint) = @$_;
    block("refused: image_resize_preset $arguments", http_config => "image_resize_preset $arguments;", config => '',
          must_die => '', error_log => "[emerg]\nimage_resize_preset\nnginx.conf:\n$hint", suppress_stderr => '');
}
block('not in a server: image_resize_preset', config => 'image_resize_preset a w=1;', must_die => '',
      error_log => "[emerg]\n\"image_resize_preset\" directive is not allowed here", suppress_stderr => '');

for my $directive ('image_resize resize $no_such_thing 10;', 'image_resize_jpeg_quality $no_such_thing;',
                   'image_resize_format $no_such_thing;',
                   'image_resize_watermark $no_such_thing;') {
    block("unknown variable: $directive", config => "location /x { $directive }", must_die => '',
          error_log => "[emerg]\nunknown \"no_such_thing\" variable", suppress_stderr => '');
}

block('unknown thread pool', threads => '', config => 'location /x { image_resize resize 10 10; image_resize_threads nopool; }',
      must_die => '', error_log => "[emerg]\nunknown thread pool \"nopool\"", suppress_stderr => '');

# All of what is right in three configurations, each value in a location of its own.
my $i = 0;
$right =~ s/^image_resize_threads default;\n//m if !has_threads();
my $config = join '', map { sprintf "location /%d { %s }\n", $i++, $_ } lines($right), lines($modes);
block('accepted in a location', config => $config);

$i = 0;
my %seen;
my @rounds;
for my $directive (lines($right)) {
    my ($name) = $directive =~ /^(\w+)/;
    $rounds[$seen{$name}++]{$name} = $directive;
}
for my $round (@rounds) {
    my $all = join "\n", map { $round->{$_} } sort keys %$round;
    block('accepted in a server', config => $all);
    block('accepted in http', http_config => $all, config => '');
}

# The same at two levels is no duplicate.
block('once at each level', http_config => $duplicate, config => "$duplicate\nlocation /x { $duplicate }",
      );

# Modes combine.
block('a mode and a rotation, twice the same mode',
      config => 'location /x { image_resize resize 10 10; image_resize rotate 90; image_resize crop 5 5; image_resize crop 6 6; }',
      );

plan 'no_plan';
spec_string(join '', @spec);
run_tests();
