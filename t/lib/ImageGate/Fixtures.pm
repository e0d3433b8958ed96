package ImageGate::Fixtures;

# Source images, made on demand from t/data/photo.jpg or drawn, one file a name.
#
#     BASE-WxH[-option]*.EXT
#
# BASE: photo  t/data/photo.jpg, scaled to exactly WxH
#       quad   four quarters: red, lime / blue, yellow
#       flat   one grey, #808080
#       bars   black and white columns, 4 pixels each
#       noise  a noisy photo: much entropy, large files, slow to encode
#       anim   a disc that moves over stripes, by another encoder each; see %animations
# EXT:  jpg, png, gif, webp, avif, jxl
#
# Options, as far as the format has them:
#       qN 420 422 444 gray progressive ycck cmykicc           (JPEG)
#       cmyk, as a mosaic of uniform 8x8 blocks                (JPEG)
#       palette trns gray graya 16 bit1 interlaced alpha       (PNG)
#       interlaced trns animated                               (GIF)
#       lossless alpha animated                                (WebP)
#       lossless alpha gray                                    (JPEG XL)
#       exifN    EXIF orientation N; the *displayed* image is BASE at WxH
#       icc_NAME the profile NAME of libgs-common is attached, unconverted
#       app      application data of a fifth of the file       (JPEG)
#       meta     author, rights, GPS position in EXIF, XMP and IPTC
#
# trunc_NAME is the first half of NAME, most_NAME four fifths of it, and noend_NAME all but its last
# two bytes. Odd files without a picture have names
# of their own; see %special.

use strict;
use warnings;

use Compress::Zlib ();
use Cwd ();
use Digest::MD5 ();
use File::Basename ();
use File::Path ();
use File::Temp ();
use Image::Magick;

use base 'Exporter';
our @EXPORT_OK = qw(fixture fixture_dir fixture_path slurp profile_blob
                    jpeg_insert png_insert webp_insert exif_orientation png_chunk);

my $data = Cwd::abs_path(File::Basename::dirname(__FILE__) . "/../../data");
my $icc_dir = $ENV{TEST_NGINX_ICC_DIR} || '/usr/share/color/icc/ghostscript';

my $dir;

# A folder under the build directory whose name changes with this file, so that
# stale images are never used; a private one when that can't be written.
sub fixture_dir {
    return $dir if defined $dir;

    my $tag = substr Digest::MD5::md5_hex(slurp(__FILE__)), 0, 8;
    my $build = $ENV{TEST_NGINX_IMAGE_GATE_BUILD};
    if (defined $build) {
        my $d = Cwd::abs_path($build) . "/fixtures-$tag";
        eval { File::Path::make_path($d); 1 };
        if (-d $d && -w $d) {
            return $dir = $d;
        }
    }

    return $dir = File::Temp::tempdir("image-gate-XXXXXX", TMPDIR => 1, CLEANUP => 1);
}

sub slurp {
    my $path = shift;
    open my $in, '<', $path or die "open $path: $!";
    binmode $in;
    local $/;
    my $s = <$in>;
    close $in;
    return defined $s ? $s : '';
}

sub fixture_path {
    my $name = shift;
    my $path = fixture_dir() . "/$name";
    return $path if -f $path;

    my $bytes = make($name);
    my $tmp = "$path.$$";
    open my $out, '>', $tmp or die "open $tmp: $!";
    binmode $out;
    print $out $bytes;
    close $out or die "close $tmp: $!";
    utime 1577836800, 1577836800, $tmp;      # 2020-01-01: validators never change
    rename $tmp, $path or die "rename $tmp: $!";
    return $path;
}

# The folder of pictures that t/lib/NAME.py makes, once.
sub fixtures_by {
    my $name = shift;
    my $folder = fixture_dir() . "/$name";
    my $script = File::Basename::dirname(__FILE__) . "/../$name.py";
    # What another script made is made again.
    my $stamp = "$folder-" . substr(Digest::MD5::md5_hex(slurp($script)), 0, 8) . '.made';
    if (!-e $stamp) {
        system('/usr/bin/python3', $script, $folder) == 0 or die "$name.py failed";
        open my $made, '>', $stamp or die $!;
    }
    return $folder;
}

sub fixture { slurp(fixture_path(shift)) }

sub profile_blob {
    my $name = shift;
    return slurp("$icc_dir/$name.icc");
}

sub ok_im {
    my $e = shift;
    die "Image::Magick: $e" if "$e" && !ref $e && "$e" =~ /(\d+)/ && $1 >= 400;
}

my %special = (
    # No frame at all, and small ones on a canvas that no machine can hold.
    'none-frames.gif' => sub { "GIF89a" . pack('v2', 9, 9) . "\x80\0\0" . "\0\0\0\xff\xff\xff;" },
    'huge-frames.gif' => sub { many_frames(65535, 65535, 9) },
    'frames-100000.gif' => sub { many_frames(1, 1, 100_000) },
    'empty.bin'     => sub { '' },
    'one.bin'       => sub { 'G' },
    'text.txt'      => sub { "This is no image.\n" x 40 },
    'text.jpg'      => sub { "This is no image either.\n" x 40 },
    'zeros.bin'     => sub { "\0" x 4096 },
    'magic.jpg'     => sub { "\xff\xd8\xff" },
    'magic.png'     => sub { "\x89PNG\r\n\x1a\n" },
    'magic.gif'     => sub { "GIF89a" },
    'magic.webp'    => sub { "RIFF\x10\0\0\0WEBPVP8 " },
    'logo.svg'      => sub {
        qq{<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="9" height="9"/></svg>\n}
    },
    'logo.svgz'     => sub { Compress::Zlib::memGzip(fixture('logo.svg')) },
    # One whose root is told by more than 32 bytes, and one where 1024 are too few.
    'declared.svg'  => sub { '<?xml version="1.0" encoding="UTF-8" standalone="no"?>' . fixture('logo.svg') },
    'late.svg'      => sub { '<!-- ' . 'a' x 2000 . ' -->' . fixture('logo.svg') },
    'half.svg'      => sub { substr fixture('logo.svg'), 0, 60 },
    'half.svgz'     => sub { substr fixture('logo.svgz'), 0, 60 },
    # 64 MB.
    'bomb.svgz'     => sub { Compress::Zlib::memGzip('<svg>' . ' ' x (64 << 20)) },
    'picture.psd'   => sub {
        my $i = base('quad', 20, 24);
        return ($i->ImageToBlob(magick => 'psd'))[0];
    },
    'picture.bmp'   => sub {
        my $i = base('quad', 20, 24);
        return ($i->ImageToBlob(magick => 'bmp'))[0];
    },
    'fax.tiff'      => sub {
        my $i = base('quad', 20, 24);
        $i->Set(type => 'Bilevel', compression => 'Group4');
        return ($i->ImageToBlob(magick => 'tiff'))[0];
    },
    # Headers that promise what no machine can hold.
    'bomb-65535x65535.png' => sub { bomb_png(65535, 65535) },
    'bomb-2147483647x1.png' => sub { bomb_png(2147483647, 1) },
    'bomb-70000x70000.png' => sub { bomb_png(70000, 70000) },
    # a real picture, wider than 16 bits can say
    'wide-70000x1.png' => sub {
        return "\x89PNG\r\n\x1a\n"
               . png_chunk('IHDR', pack('NNCCCCC', 70000, 1, 8, 0, 0, 0, 0))
               . png_chunk('IDAT', Compress::Zlib::compress("\0" . "\x40" x 70000))
               . png_chunk('IEND', '');
    },
    # exactly 16 MiB, and a byte more
    'padded-16m.png' => sub { padded_png(16 * 1048576) },
    'padded-16m1.png' => sub { padded_png(16 * 1048576 + 1) },
    'zero-0x10.png' => sub { bomb_png(0, 10) },
    'lying-65500x65500.jpg' => sub { lying_jpeg(65500, 65500) },
    'lying-5000x5000.jpg' => sub { lying_jpeg(5000, 5000) },
    'lying-16383x16383.webp' => sub { lying_webp(16383, 16383) },
    'lying-65535x65535.gif' => sub {
        my $gif = fixture('quad-100x120.gif');
        substr $gif, 6, 4, pack 'v2', 65535, 65535;
        $gif =~ s/(\x2c....)..../$1 . pack('v2', 65535, 65535)/es;
        return $gif;
    },
    # What phones and messengers send.
    'phone-8160x6144.jpg' => sub { plain_jpeg(8160, 6144) },
    'phone-16320x12240.jpg' => sub { plain_jpeg(16320, 12240) },
    'frames-210.gif' => sub { plain_frames(498, 498, 210) },
    'frames-260.gif' => sub { plain_frames(200, 200, 260) },
    'frames-1100.gif' => sub { plain_frames(20, 20, 1100) },
    # As many frames as fit into a small file.
    'frames-5000.gif' => sub { many_frames(1, 1, 5000) },
    # A thousand empty scans, each of which costs a pass over a 4000x4000 image.
    'scans-1000.jpg' => sub { many_scans(1000) },
    # 40 MB of zeros in a few kB of gzip.
    'bomb.gz' => sub { Compress::Zlib::memGzip("\0" x 40_000_000) },
);

# Canvases with frames of one pixel.
sub many_frames {
    my ($w, $h, $n) = @_;
    my $one = "\x21\xf9\x04\0\x0a\0\0\0" . "\x2c\0\0\0\0\x01\0\x01\0\0" . "\x02\x02\x44\x01\0";
    return "GIF89a" . pack('v2', $w, $h) . "\x80\0\0" . "\0\0\0\xff\xff\xff" . ($one x $n) . ';';
}

# What encoders make of five pictures, or of their own.
my %animations = (
    # ImageMagick: frames cut to what changed, disposal 1 to 3, and no delay
    im        => sub { my ($d, $w, $h) = @_; steps($d, $w, $h); run($d, 'convert', qw(-delay 0 0.png -delay 7 1.png 2.png -delay 25 3.png 4.png -loop 0 -layers OptimizePlus), 'out.gif') },
    clear     => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1); run($d, 'convert', qw(-delay 12 -dispose Background [0-4].png -loop 4), 'out.gif') },
    previous  => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1);
        run($d, 'convert', qw(-delay 9 -dispose None), "(", '-size', "${w}x$h", 'gradient:red-blue', ")",
            qw(-dispose Previous 0.png -dispose None 1.png -dispose Previous 2.png 3.png -loop 1), 'out.gif') },
    # gifsicle: local palettes, interlaced, transparency for what is the same
    gifsicle  => sub { my ($d, $w, $h) = @_; steps($d, $w, $h);
        run($d, 'convert', "$_.png", '-colors', 30 + 10 * $_, "$_.gif") for 0 .. 4;
        run($d, qw(gifsicle -O3 --interlace --loopcount=6 --delay=8 0.gif 1.gif --delay=100 2.gif 3.gif 4.gif -o out.gif)) },
    ffmpeg    => sub { my ($d, $w, $h) = @_; steps($d, $w, $h); run($d, qw(ffmpeg -nostdin -loglevel error -framerate 10 -i %d.png -loop 0), 'out.gif') },
    pillow    => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1); run($d, '/usr/bin/python3', '-c', <<'PY') },
from PIL import Image
f = [Image.open('%d.png' % n).convert('RGBA') for n in range(5)]
f[0].save('out.gif', save_all=True, append_images=f[1:], duration=[20, 50, 0, 340, 10], loop=0, disposal=2)
PY
    # giflib's tools and others leave frames where they are, even outside of the canvas
    odd       => sub { my ($d, $w, $h) = @_; steps($d, $w, $h);
        my $gif = run($d, qw(gifsicle --careful --no-loopcount --delay=11 --disposal=none 0.gif --position), '4,7', '1.gif', '--position', '20,20', qw(2.gif -o out.gif));
        substr $gif, 6, 4, pack 'v2', $w, $h;
        return $gif;
    },
    gif2webp  => sub { my ($d, $w, $h) = @_; steps($d, $w, $h);
        run($d, 'convert', qw(-delay 7 [0-4].png -loop 3 -layers OptimizePlus in.gif)); run($d, qw(gif2webp -quiet -mixed in.gif -o out.webp)) },
    img2webp  => sub { my ($d, $w, $h) = @_; steps($d, $w, $h); run($d, qw(img2webp -loop 2 -d 33 0.png -d 77 -lossy 1.png 2.png -lossless 3.png 4.png -o out.webp)) },
    webpmux   => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1);
        run($d, 'cwebp', '-quiet', '-lossless', "$_.png", '-o', "$_.webp") for 0 .. 4;
        run($d, 'webpmux', '-frame', '0.webp', '+50+0+0+0+b', '-frame', '1.webp', '+60+0+0+1+b',
            '-frame', '2.webp', '+70+0+0+0-b', '-frame', '3.webp', '+0+0+0+1-b', '-frame', '4.webp', '+90+0+0+0+b',
            '-loop', '7', '-bgcolor', '255,9,200,30', '-o', 'out.webp') },
    pillowwebp => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1); run($d, '/usr/bin/python3', '-c', <<'PY') },
from PIL import Image
f = [Image.open('%d.png' % n).convert('RGBA') for n in range(5)]
f[0].save('out.webp', save_all=True, append_images=f[1:], duration=[20, 55, 100, 341, 10], loop=1, quality=90)
PY
    pillowpng => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1); run($d, '/usr/bin/python3', '-c', <<'PY') },
from PIL import Image
f = [Image.open('%d.png' % n).convert('RGBA') for n in range(5)]
f[0].save('out.png', save_all=True, append_images=f[1:], duration=[20, 50, 70, 340, 10], loop=3,
          disposal=[0, 1, 2, 0, 1], blend=[0, 1, 1, 0, 1])
PY
    stillpng  => sub { my ($d, $w, $h) = @_; steps($d, $w, $h); run($d, '/usr/bin/python3', '-c', <<'PY') },
from PIL import Image
f = [Image.open('%d.png' % n).convert('RGB') for n in range(5)]
Image.new('RGB', f[0].size, 'lime').save('out.png', save_all=True, default_image=True, append_images=f, duration=60, loop=0)
PY
    # libavif 0.11 says nothing of loops; alpha is a track of its own
    avifenc   => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1);
        run($d, qw(avifenc -s 8 --min 4 --max 10 --minalpha 0 --maxalpha 0 --timescale 1000 --duration 40 0.png 1.png --duration 250 2.png 3.png 4.png out.avif)) },
    cjxlgif   => sub { my ($d, $w, $h) = @_; steps($d, $w, $h);
        run($d, 'convert', qw(-delay 7 [0-4].png -loop 0 -layers OptimizePlus in.gif)); run($d, qw(cjxl -q 95 in.gif out.jxl)) },
    cjxlpng   => sub { my ($d, $w, $h) = @_; steps($d, $w, $h, 1); run($d, '/usr/bin/python3', '-c', <<'PY'); run($d, qw(cjxl -d 0 in.apng out.jxl)) },
from PIL import Image
f = [Image.open('%d.png' % n).convert('RGBA') for n in range(5)]
f[0].save('in.apng', format='png', save_all=True, append_images=f[1:], duration=[20, 50, 70, 340, 10], loop=3)
PY
    ffmpegavif => sub { my ($d, $w, $h) = @_; steps($d, $w, $h);
        run($d, qw(ffmpeg -nostdin -loglevel error -framerate 8 -i %d.png -pix_fmt yuv444p -c:v libaom-av1 -crf 8 -cpu-used 6), 'out.avif') },
    ffmpegpng => sub { my ($d, $w, $h) = @_; steps($d, $w, $h); run($d, qw(ffmpeg -nostdin -loglevel error -framerate 10 -i %d.png -plays 0 -f apng), 'out.png') },
);

# Writes five pictures; the ground is transparent where $hollow.
sub steps {
    my ($dir, $w, $h, $hollow) = @_;
    for my $n (0 .. 4) {
        my $img = Image::Magick->new(size => "${w}x$h");
        $img->Read($hollow ? 'xc:none' : 'xc:#e0c080');
        $img->Draw(antialias => 'false', primitive => 'rectangle', fill => '#2050a0', points => "0,$_ " . ($w - 1) . ',' . ($_ + 3))
            for map { 8 * $_ } 0 .. $h / 8 - 1;
        my ($x, $y) = (6 + ($w - 14) * $n / 4, $h / 2);
        $img->Draw(antialias => 'false', primitive => 'circle', fill => $n % 2 ? '#c01010' : '#10a030',
                   points => sprintf '%d,%d %d,%d', $x, $y, $x + 9, $y);
        $img->Write("png32:$dir/$n.png");
        $img->Quantize(colors => 60);
        $img->Write("$dir/$n.gif");
    }
}

# Runs a program in a folder, which leaves "out.*" there.
sub run {
    my ($dir, $program, @args) = @_;
    @args = map { /^\[0-4\]\.png$/ ? map { "$_.png" } 0 .. 4 : $_ } @args;
    my $pid = fork;
    die "fork: $!" if !defined $pid;
    if (!$pid) {
        chdir $dir or die "chdir $dir: $!";
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec { $program } $program, @args or die "exec $program: $!";
    }
    waitpid $pid, 0;
    die "$program failed" if $?;
    my ($out) = glob "$dir/out.*";
    return defined $out ? slurp($out) : undef;
}

sub make {
    my $name = shift;

    if (my $code = $special{$name}) {
        return $code->();
    }

    if ($name =~ /^(trunc|most|noend)_(.+)$/) {
        my $whole = fixture($2);
        my $len = length $whole;
        my %left = (trunc => int($len / 2), most => int($len * 0.8), noend => $len - 2);
        return substr $whole, 0, $left{$1};
    }

    if ($name =~ /^anim-(\d+)x(\d+)-(\w+)\.\w+$/ && $animations{$3}) {
        my $tmp = File::Temp::tempdir("image-gate-XXXXXX", TMPDIR => 1, CLEANUP => 1);
        return $animations{$3}->($tmp, $1, $2);
    }

    my ($stem, $ext) = $name =~ /^(.+)\.(jpg|png|gif|webp|avif|jxl)$/
        or die "no such fixture: $name";
    my ($base, $dims, @opt) = split /-/, $stem;
    my ($w, $h) = ($dims || '') =~ /^(\d+)x(\d+)$/ or die "no such fixture: $name";

    my %o;
    for (@opt) {
        if (/^q(\d+)$/)         { $o{q} = $1 }
        elsif (/^exif(\d)$/)    { $o{exif} = $1 }
        elsif (/^icc_(\w+)$/)   { $o{icc} = $1 }
        elsif (/^(420|422|444|gray|progressive|cmyk|ycck|cmykicc|palette|trns|graya|16|bit1
                 |interlaced|alpha|animated|lossless|app|meta)$/x) { $o{$1} = 1 }
        else { die "no such option: $_ in $name" }
    }

    my $img = base($base, $w, $h);

    if ($o{exif}) {
        my $n = $o{exif};
        $n == 2 ? $img->Flop()
        : $n == 3 ? $img->Rotate(180)
        : $n == 4 ? $img->Flip()
        : $n == 5 ? $img->Transpose()
        : $n == 6 ? $img->Rotate(270)
        : $n == 7 ? $img->Transverse()
        : $n == 8 ? $img->Rotate(90)
        : 0;
        $img->Set(page => '0x0+0+0');
    }

    my $bytes = $ext eq 'jpg' ? jpeg($img, \%o)
              : $ext eq 'png' ? png($img, \%o)
              : $ext eq 'gif' ? gif($img, \%o)
              : $ext eq 'avif' ? avif($img, \%o)
              : $ext eq 'jxl' ? jxl($img, \%o)
              : webp($img, \%o);

    if ($o{icc}) {
        my $icc = profile_blob($o{icc});
        $bytes = $ext eq 'jpg' ? jpeg_icc($bytes, $icc)
               : $ext eq 'png' ? png_insert($bytes, 'iCCP',
                                            "icc\0\0" . Compress::Zlib::compress($icc))
               : webp_insert($bytes, 'ICCP', $icc);
    }

    if ($o{exif}) {
        my $tiff = exif_orientation($o{exif});
        $bytes = $ext eq 'jpg' ? jpeg_insert($bytes, 0xe1, "Exif\0\0$tiff")
               : $ext eq 'png' ? png_insert($bytes, 'eXIf', $tiff)
               : webp_insert($bytes, 'EXIF', $tiff);
    }

    if ($o{meta}) {
        $bytes = with_metadata($bytes);
    }

    if ($o{app}) {
        my $n = int(length($bytes) / 4);
        while ($n > 0) {
            my $part = $n > 60000 ? 60000 : $n;
            $bytes = jpeg_insert($bytes, 0xed, 'x' x $part);
            $n -= $part;
        }
    }

    return $bytes;
}

sub base {
    my ($base, $w, $h) = @_;
    my $img = Image::Magick->new;

    if ($base eq 'photo' || $base eq 'noise') {
        ok_im($img->Read("$data/photo.jpg"));
        $img->Resize(geometry => "${w}x${h}!", filter => 'Lanczos');
        if ($base eq 'noise') {
            Image::Magick->SetRandomSeed(1) if Image::Magick->can('SetRandomSeed');
            $img->AddNoise(noise => 'Gaussian');
        }

    } elsif ($base eq 'quad') {
        $img->Set(size => "${w}x${h}");
        ok_im($img->Read('xc:red'));
        my ($cx, $cy) = (int($w / 2), int($h / 2));
        my $right = $w - 1;
        my $bottom = $h - 1;
        $img->Draw(antialias => 'false', primitive => 'rectangle', fill => 'lime', points => "$cx,0 $right," . ($cy - 1));
        $img->Draw(antialias => 'false', primitive => 'rectangle', fill => 'blue', points => "0,$cy " . ($cx - 1) . ",$bottom");
        $img->Draw(antialias => 'false', primitive => 'rectangle', fill => 'yellow', points => "$cx,$cy $right,$bottom");

    } elsif ($base eq 'flat') {
        $img->Set(size => "${w}x${h}");
        ok_im($img->Read('xc:#808080'));

    } elsif ($base eq 'bars') {
        $img->Set(size => "${w}x${h}");
        ok_im($img->Read('xc:white'));
        for (my $x = 0; $x < $w; $x += 8) {
            $img->Draw(antialias => 'false', primitive => 'rectangle', fill => 'black',
                       points => "$x,0 " . ($x + 3) . ',' . ($h - 1));
        }

    } else {
        die "no such base: $base";
    }

    $img->Strip();
    return $img;
}

# Upper left quarter transparent; with $half the lower right half transparent.
sub cut_hole {
    my ($img, $half) = @_;
    my ($w, $h) = $img->Get('width', 'height');
    my $mask = Image::Magick->new(size => "${w}x${h}");
    $mask->Read('xc:white');
    my ($cx, $cy) = (int($w / 2), int($h / 2));
    $mask->Draw(antialias => 'false', primitive => 'rectangle', fill => 'black',
                points => '0,0 ' . ($cx - 1) . ',' . ($cy - 1));
    $mask->Draw(antialias => 'false', primitive => 'rectangle', fill => '#808080',
                points => "$cx,$cy " . ($w - 1) . ',' . ($h - 1)) if $half;
    $mask->Set(alpha => 'Off');
    $img->Set(alpha => 'Set');
    $img->Composite(image => $mask, compose => 'CopyOpacity');
    return $img;
}

sub blob {
    my ($img, %args) = @_;
    my ($bytes) = $img->ImageToBlob(%args);
    die "cannot encode" if !defined $bytes || !length $bytes;
    return $bytes;
}

sub jpeg {
    my ($img, $o) = @_;
    my %args = (magick => 'jpg', quality => $o->{q} || 90);
    $args{'sampling-factor'} = $o->{444} ? '1x1' : $o->{422} ? '2x1' : '2x2';

    $img->Set(type => 'Grayscale') if $o->{gray};
    $img->Set(interlace => $o->{progressive} ? 'JPEG' : 'None');

    if ($o->{cmykicc}) {
        my $srgb = profile_blob('srgb');
        my $cmyk = profile_blob('default_cmyk');
        ok_im($img->Profile(name => 'icc', profile => $srgb));
        ok_im($img->Profile(name => 'icc', profile => $cmyk));
        $args{'sampling-factor'} = '1x1';
        return blob($img, %args);
    }

    if ($o->{ycck}) {
        $img->Set(type => 'ColorSeparation');
        $args{'sampling-factor'} = '1x1,1x1,1x1,1x1';
        my $bytes = blob($img, %args);
        die "not YCCK" if $bytes !~ /Adobe.{6}\x02/s;
        return $bytes;
    }

    if ($o->{cmyk}) {
        return cmyk_mosaic($img);
    }

    return blob($img, %args);
}

# No encoder at hand writes CMYK without the YCCK transform, so here is one: each
# block of 8x8 pixels is uniform, hence one DC coefficient and an end of block.
sub cmyk_mosaic {
    my $img = shift;
    my ($w, $h) = $img->Get('width', 'height');
    my ($bw, $bh) = (int(($w + 7) / 8), int(($h + 7) / 8));
    $img->Resize(geometry => "${bw}x${bh}!", filter => 'Box');
    $img->Set(type => 'ColorSeparation', depth => 8);
    my @ink = unpack 'C*', ($img->ImageToBlob(magick => 'cmyk', depth => 8))[0];

    # the DC table of annex K.3: category -> [code, length]
    my @dc = (['00'], ['010'], ['011'], ['100'], ['101'], ['110'], ['1110'],
              ['11110'], ['111110'], ['1111110'], ['11111110'], ['111111110']);
    my @last = (0) x 4;
    my $bits = '';
    for my $i (0 .. $#ink) {
        my $c = $i % 4;
        my $v = 255 - $ink[$i] - 128;        # Adobe stores ink inverted
        my $diff = $v - $last[$c];
        $last[$c] = $v;
        my $size = $diff == 0 ? 0 : length sprintf '%b', abs $diff;
        $bits .= $dc[$size][0];
        $bits .= sprintf "%0${size}b", $diff > 0 ? $diff : $diff + (1 << $size) - 1 if $size;
        $bits .= '0';                        # the only AC code: end of block
    }
    $bits .= '1' x (-length($bits) % 8);
    (my $scan = pack 'B*', $bits) =~ s/\xff/\xff\0/g;

    my $seg = sub { pack('CCn', 0xff, $_[0], length($_[1]) + 2) . $_[1] };
    return "\xff\xd8"
        . $seg->(0xee, 'Adobe' . pack('nnnC', 100, 0, 0, 0))
        . $seg->(0xdb, "\0" . chr(8) x 64)
        . $seg->(0xc0, pack('CnnC', 8, $h, $w, 4) . join '', map { pack 'C3', $_, 0x11, 0 } 1 .. 4)
        . $seg->(0xc4, "\x00" . pack('C16', 0, 1, 5, (1) x 6, (0) x 7) . pack('C12', 0 .. 11))
        . $seg->(0xc4, "\x10" . pack('C16', 1, (0) x 15) . "\0")
        . $seg->(0xda, "\x04" . join('', map { pack 'C2', $_, 0 } 1 .. 4) . "\0\x3f\0")
        . $scan . "\xff\xd9";
}

sub png {
    my ($img, $o) = @_;
    cut_hole($img, 1) if $o->{alpha};
    cut_hole($img, 0) if $o->{trns};
    $img->Set(interlace => $o->{interlaced} ? 'PNG' : 'None');

    if ($o->{palette} || $o->{trns}) {
        $img->Quantize(colors => 200);
        return blob($img, magick => 'png8');
    }
    if ($o->{bit1}) {
        $img->Set(type => 'Bilevel', depth => 1);
        return blob($img, magick => 'png', depth => 1, type => 'Bilevel');
    }
    if ($o->{gray} || $o->{graya}) {
        $img->Set(type => 'Grayscale', depth => 8);
        cut_hole($img, 1) if $o->{graya};
        return blob($img, magick => 'png', type => $o->{graya} ? 'GrayscaleMatte' : 'Grayscale');
    }
    return blob($img, magick => $o->{16} ? ($o->{alpha} ? 'png64' : 'png48')
                              : $o->{alpha} ? 'png32' : 'png24');
}

sub gif {
    my ($img, $o) = @_;
    my ($w, $h) = $img->Get('width', 'height');
    $img->Set(interlace => $o->{interlaced} ? 'GIF' : 'None');
    if ($o->{trns}) {
        cut_hole($img, 0);
    }
    if ($o->{animated}) {
        for my $colour (qw(cyan magenta)) {
            my $frame = Image::Magick->new(size => "${w}x${h}");
            $frame->Read("xc:$colour");
            push @$img, $frame;
        }
        $img->Set(delay => 10);
    }
    return blob($img, magick => 'gif');
}

sub webp {
    my ($img, $o) = @_;
    my ($w, $h) = $img->Get('width', 'height');
    cut_hole($img, 1) if $o->{alpha};
    if ($o->{animated}) {
        for my $colour (qw(cyan magenta)) {
            my $frame = Image::Magick->new(size => "${w}x${h}");
            $frame->Read("xc:$colour");
            push @$img, $frame;
        }
        $img->Set(delay => 10);
    }
    $img->Set(option => 'webp:lossless=' . ($o->{lossless} ? 'true' : 'false'));
    return blob($img, magick => 'webp', quality => $o->{q} || 90);
}

# By cjxl.
sub jxl {
    my ($img, $o) = @_;
    my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $in, '>:raw', "$dir/in.png" or die "$dir/in.png: $!";
    print $in png($img, $o);
    close $in or die "$dir/in.png: $!";
    return run($dir, 'cjxl', 'in.png', 'out.jxl', '--num_threads=0', '-e', 3, '-d', $o->{lossless} ? 0 : 0.5);
}

sub avif {
    my ($img, $o) = @_;
    return blob($img, magick => 'avif', quality => $o->{q} || 80);
}

# TIFF structure with one entry: orientation.
sub exif_orientation {
    my $n = shift;
    return "II*\0" . pack('V', 8) . pack('v', 1) . pack('vvVvv', 0x0112, 3, 1, $n, 0) . pack('V', 0);
}

sub jpeg_insert {
    my ($jpeg, $marker, $payload) = @_;
    return substr($jpeg, 0, 2) . pack('CCn', 0xff, $marker, length($payload) + 2)
           . $payload . substr($jpeg, 2);
}

sub jpeg_icc {
    my ($jpeg, $icc) = @_;
    my @parts = unpack '(a65000)*', $icc;
    my $n = @parts;
    for my $i (reverse 1 .. $n) {
        $jpeg = jpeg_insert($jpeg, 0xe2, "ICC_PROFILE\0" . pack('CC', $i, $n) . $parts[$i - 1]);
    }
    return $jpeg;
}

sub png_chunk {
    my ($type, $payload) = @_;
    return pack('N', length $payload) . $type . $payload
           . pack('N', Compress::Zlib::crc32($type . $payload));
}

sub png_insert {
    my ($png, $type, $payload) = @_;
    # after IHDR; drop what would contradict a profile
    $png =~ s/\0\0\0\x01sRGB.{5}//s;
    $png =~ s/\0\0\0\x04gAMA.{8}//s;
    $png =~ s/\0\0\0\x20cHRM.{36}//s;
    return substr($png, 0, 33) . png_chunk($type, $payload) . substr($png, 33);
}

# Adds a chunk to a WebP file, turning the simple container into the extended one.
sub webp_insert {
    my ($webp, $type, $payload) = @_;
    my $body = substr $webp, 12;
    my %flag = (ICCP => 0x20, EXIF => 0x08, 'XMP ' => 0x04);

    if (substr($body, 0, 4) ne 'VP8X') {
        my ($w, $h, $alpha) = webp_size($webp);
        $body = 'VP8X' . pack('V', 10) . pack('V', $alpha ? 0x10 : 0)
                . substr(pack('V', $w - 1), 0, 3) . substr(pack('V', $h - 1), 0, 3) . $body;
    }

    my $flags = unpack 'V', substr $body, 8, 4;
    substr $body, 8, 4, pack 'V', $flags | $flag{$type};

    my $chunk = $type . pack('V', length $payload) . $payload . (length($payload) % 2 ? "\0" : '');
    $body = $type eq 'ICCP' ? substr($body, 0, 18) . $chunk . substr($body, 18) : $body . $chunk;
    return 'RIFF' . pack('V', 4 + length $body) . 'WEBP' . $body;
}

sub webp_size {
    my $webp = shift;
    my $type = substr $webp, 12, 4;
    if ($type eq 'VP8 ') {
        my ($w, $h) = unpack 'v2', substr $webp, 26, 4;
        return ($w & 0x3fff, $h & 0x3fff, 0);
    }
    if ($type eq 'VP8L') {
        my $bits = unpack 'V', substr $webp, 21, 4;
        return (($bits & 0x3fff) + 1, (($bits >> 14) & 0x3fff) + 1, ($bits >> 28) & 1);
    }
    my ($wl, $wh, $hl, $hh) = unpack 'vCvC', substr $webp, 24, 6;
    return ($wl + ($wh << 16) + 1, $hl + ($hh << 16) + 1, (unpack('C', substr $webp, 20, 1) >> 4) & 1);
}

sub with_metadata {
    my $bytes = shift;
    require Image::ExifTool;
    my $t = Image::ExifTool->new;
    $t->SetNewValue('EXIF:Artist', 'Ada Author');
    $t->SetNewValue('EXIF:Copyright', '(c) Ada Author');
    $t->SetNewValue('EXIF:Make', 'CameraMaker');
    $t->SetNewValue('EXIF:GPSLatitude', 48.8583);
    $t->SetNewValue('EXIF:GPSLatitudeRef', 'N');
    $t->SetNewValue('EXIF:GPSLongitude', 2.2944);
    $t->SetNewValue('EXIF:GPSLongitudeRef', 'E');
    $t->SetNewValue('XMP-dc:Rights', '(c) Ada Author in XMP');
    $t->SetNewValue('XMP-dc:Creator', 'Ada Author in XMP');
    $t->SetNewValue('XMP-exif:GPSLatitude', 48.8583);
    $t->SetNewValue('XMP-exif:GPSLongitude', 2.2944);
    if ($bytes =~ /^\xff\xd8/) {
        $t->SetNewValue('IPTC:CopyrightNotice', '(c) Ada Author in IPTC');
        $t->SetNewValue('IPTC:By-line', 'Ada Author in IPTC');
        $t->SetNewValue('Comment', 'a comment');
    }
    my $out;
    $t->WriteInfo(\$bytes, \$out) or die "exiftool: " . $t->GetValue('Error');
    return $out;
}

sub bomb_png {
    my ($w, $h) = @_;
    return "\x89PNG\r\n\x1a\n"
           . png_chunk('IHDR', pack('NNCCCCC', $w, $h, 8, 2, 0, 0, 0))
           . png_chunk('IDAT', Compress::Zlib::compress("\0" x 65536))
           . png_chunk('IEND', '');
}

sub padded_png {
    my $size = shift;
    my $png = fixture('quad-100x120.png');
    return png_insert($png, 'juNk', "\0" x ($size - length($png) - 12));
}

sub lying_jpeg {
    my ($w, $h) = @_;
    my $jpeg = fixture('quad-100x120.jpg');
    $jpeg =~ s/(\xff\xc0..\x08)..../$1 . pack('nn', $h, $w)/es or die "no frame header";
    return $jpeg;
}

# A medium grey: each block is two bits, the difference 0 and the end.
sub plain_jpeg {
    my ($w, $h) = @_;
    my $jpeg = "\xff\xd8" . "\xff\xdb" . pack('nC', 67, 0) . "\x10" x 64
             . "\xff\xc0" . pack('nCnnC4', 11, 8, $h, $w, 1, 1, 0x11, 0);
    $jpeg .= "\xff\xc4" . pack('nC18', 20, $_, 1, (0) x 15, 0) for 0x00, 0x10;
    my $blocks = int(($w + 7) / 8) * int(($h + 7) / 8);
    return $jpeg . "\xff\xda" . pack('nC6', 8, 1, 1, 0, 0, 63, 0) . "\0" x int($blocks / 4 + 1) . "\xff\xd9";
}

# A red picture, and frames of 8x8 pixels, blue and red in turn, that move over it.
sub plain_frames {
    my ($w, $h, $n) = @_;
    my $frame = sub {
        my ($x, $w, $h, $colour) = @_;
        # codes of three bits, the lowest first; the table is cleared before it grows
        my $pixel = $colour ? '100' : '000';
        my $data = pack 'b*', ('001' . $pixel x 2) x int(($w * $h + 1) / 2) . '101';
        return "\x21\xf9\x04\x04\x04\0\0\0" . pack('Cv4C', 0x2c, $x, 0, $w, $h, 0) . "\x02"
               . join('', map { chr(length) . $_ } unpack '(a255)*', $data) . "\0";
    };
    return 'GIF89a' . pack('v2C3', $w, $h, 0x80, 0, 0) . "\xff\0\0" . "\0\0\xff"
           . "\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" . $frame->(0, $w, $h, 0)
           . join('', map { $frame->(($_ * 7) % ($w - 8), 8, 8, $_ % 2) } 1 .. $n - 1) . ';';
}

sub lying_webp {
    my ($w, $h) = @_;
    my $webp = fixture('quad-100x120.webp');
    $webp =~ s/(\x9d\x01\x2a)..../$1 . pack('vv', $w, $h)/es or die "no frame header";
    return $webp;
}

sub many_scans {
    my $n = shift;
    my $jpeg = fixture('flat-100x120-progressive-gray.jpg');
    $jpeg =~ s/(\xff\xc2..\x08)..../$1 . pack('nn', 4000, 4000)/es or die "no frame header";
    my $sos = rindex $jpeg, "\xff\xda";
    my $scan = substr $jpeg, $sos, -2;
    return substr($jpeg, 0, $sos) . ($scan x $n) . "\xff\xd9";
}

1;
