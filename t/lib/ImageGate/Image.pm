package ImageGate::Image;

# Looks into the bytes of an image: container and marker level by own code, pixels
# by Image::Magick. Nothing here believes a Content-Type.

use strict;
use warnings;

use Compress::Zlib ();
use File::Temp ();
use Image::Magick;

use base 'Exporter';
our @EXPORT_OK = qw(sniff inspect decode djxl psnr reference movement);

sub sniff {
    my $b = shift;
    return 'jpeg' if $b =~ /^\xff\xd8\xff/;
    return 'png'  if $b =~ /^\x89PNG\r\n\x1a\n/;
    return 'gif'  if $b =~ /^GIF8[79]a/;
    return 'webp' if $b =~ /^RIFF....WEBP/s;
    return 'avif' if $b =~ /^\0\0\0.ftypavi[fs]/s;
    return 'jxl'  if $b =~ /^(?:\xff\x0a|\0\0\0\x0cJXL )/;
    return 'none';
}

# Everything that can be told without decoding pixels:
# { format, width, height, interlaced, alpha, palette, bits, frames, sampling,
#   components, adobe, icc, exif (TIFF bytes), orientation, xmp, iptc, comment, app,
#   delays (of the frames, milliseconds), plays (0: for ever) }
sub inspect {
    my $b = shift;
    my $format = sniff($b);
    my $i = { format => $format, width => 0, height => 0, frames => 1, app => 0 };
    $format eq 'jpeg' ? jpeg($b, $i)
    : $format eq 'png' ? png($b, $i)
    : $format eq 'gif' ? gif($b, $i)
    : $format eq 'webp' ? webp($b, $i)
    : $format eq 'avif' ? avif($b, $i)
    : $format eq 'jxl' ? jxl($b, $i)
    : 0;
    if (defined $i->{exif}) {
        my $le = $i->{exif} =~ /^II/;
        my ($v, $V) = $le ? ('v', 'V') : ('n', 'N');
        my $off = unpack $V, substr $i->{exif}, 4, 4;
        my $n = unpack $v, substr $i->{exif}, $off, 2;
        for my $k (0 .. $n - 1) {
            my ($tag, $type, $count, $value) = unpack "$v$v$V$v", substr $i->{exif}, $off + 2 + 12 * $k, 10;
            $i->{orientation} = $value if $tag == 0x0112;
        }
    }
    return $i;
}

sub jpeg {
    my ($b, $i) = @_;
    my $p = 2;
    my %icc;
    my $scans = 0;
    while ($p + 4 <= length $b) {
        my ($ff, $m) = unpack 'CC', substr $b, $p, 2;
        if ($ff != 0xff) { $i->{broken} = "no marker at $p"; last }
        if ($m == 0xff) { $p++; next }
        last if $m == 0xd9;
        my $len = unpack 'n', substr $b, $p + 2, 2;
        my $data = substr $b, $p + 4, $len - 2;
        $p += 2 + $len;

        if ($m >= 0xe0 && $m <= 0xef) {
            $i->{app} += $len;
        }
        if ($m == 0xe1 && $data =~ /^Exif\0\0(.*)/s) {
            $i->{exif} = $1;
        } elsif ($m == 0xe1 && $data =~ m{^http://ns.adobe.com/xap/1.0/\0(.*)}s) {
            $i->{xmp} = $1;
        } elsif ($m == 0xe2 && $data =~ /^ICC_PROFILE\0(.)(.)(.*)/s) {
            $icc{ ord $1 } = $3;
        } elsif ($m == 0xed) {
            $i->{iptc} = $data;
        } elsif ($m == 0xee && $data =~ /^Adobe.{6}(.)/s) {
            $i->{adobe} = ord $1;
        } elsif ($m == 0xfe) {
            $i->{comment} = $data;
        } elsif ($m == 0xda) {
            $scans++;
            # to the next marker that is no stuffing and no restart
            pos($b) = $p;
            if ($b =~ /\G.*?\xff(?=[^\x00\xd0-\xd7\xff])/gcs) {
                $p = pos($b) - 1;
            } else {
                $i->{broken} = 'no end of image';
                last;
            }
        } elsif ($m >= 0xc0 && $m <= 0xcf && $m != 0xc4 && $m != 0xc8 && $m != 0xcc) {
            my ($bits, $h, $w, $n) = unpack 'CnnC', $data;
            @$i{qw(bits height width components)} = ($bits, $h, $w, $n);
            $i->{interlaced} = $m == 0xc2 ? 1 : 0;
            my ($hv0) = unpack 'C', substr $data, 7, 1;
            my $hv1 = $n >= 3 ? unpack 'C', substr $data, 10, 1 : $hv0;
            my $rh = ($hv0 >> 4) / ($hv1 >> 4);
            my $rv = ($hv0 & 15) / ($hv1 & 15);
            $i->{sampling} = $n == 1 ? 'gray' : $rh == 2 && $rv == 2 ? '420'
                : $rh == 2 && $rv == 1 ? '422' : $rh == 1 && $rv == 1 ? '444' : "${rh}x$rv";
        }
    }
    $i->{scans} = $scans;
    $i->{icc} = join '', map { $icc{$_} } sort keys %icc if %icc;
    $i->{broken} = 'no end of image' if $b !~ /\xff\xd9\0*$/;
}

sub png {
    my ($b, $i) = @_;
    my $p = 8;
    my $end = 0;
    while ($p + 12 <= length $b) {
        my ($len, $type) = unpack 'Na4', substr $b, $p, 8;
        my $data = substr $b, $p + 8, $len;
        my $crc = substr $b, $p + 8 + $len, 4;
        if (length($crc) < 4 || unpack('N', $crc) != Compress::Zlib::crc32($type . $data)) {
            $i->{broken} = "bad chunk $type";
            last;
        }
        if ($type eq 'IHDR') {
            my ($w, $h, $bits, $ct, undef, undef, $il) = unpack 'NNC5', $data;
            @$i{qw(width height bits interlaced)} = ($w, $h, $bits, $il);
            $i->{palette} = $ct == 3 ? 1 : 0;
            $i->{alpha} = $ct & 4 ? 1 : 0;
            $i->{components} = { 0 => 1, 2 => 3, 3 => 1, 4 => 2, 6 => 4 }->{$ct};
        }
        $i->{alpha} = 1 if $type eq 'tRNS';
        $i->{exif} = $data if $type eq 'eXIf';
        $i->{icc} = Compress::Zlib::uncompress($1) if $type eq 'iCCP' && $data =~ /^[^\0]+\0\0(.*)/s;
        $i->{xmp} = $data if $type eq 'iTXt' && $data =~ /^XML:com.adobe.xmp/;
        $i->{comment} = ($i->{comment} || '') . $data if $type =~ /^(tEXt|zTXt)$/;
        ($i->{frames}, $i->{plays}) = unpack 'NN', $data if $type eq 'acTL';
        if ($type eq 'fcTL') {
            my ($delay, $unit) = unpack 'nn', substr $data, 20, 4;
            push @{ $i->{delays} }, int($delay * 1000 / ($unit || 100) + 0.5);
        }
        $end = 1 if $type eq 'IEND';
        $p += 12 + $len;
    }
    $i->{broken} ||= 'no end of image' if !$end;
}

sub gif {
    my ($b, $i) = @_;
    my ($w, $h, $flags) = unpack 'vvC', substr $b, 6, 5;
    @$i{qw(width height palette)} = ($w, $h, 1);
    my $p = 13;
    $p += 3 * (2 << ($flags & 7)) if $flags & 0x80;
    my $frames = 0;
    my $end = 0;
    my $delay = 0;
    $i->{plays} = 1;
    while ($p < length $b) {
        my $c = substr $b, $p, 1;
        if ($c eq "\x3b") { $end = 1; last }
        if ($c eq "\x21") {
            my $label = ord substr $b, $p + 1, 1;
            if ($label == 0xf9 && $frames == 0) {
                $i->{alpha} = 1 if ord(substr $b, $p + 3, 1) & 1;
            }
            $delay = 10 * unpack 'v', substr $b, $p + 4, 2 if $label == 0xf9;
            if ($label == 0xff && substr($b, $p, 19) =~ /NETSCAPE2\.0\x03\x01(..)/s) {
                my $again = unpack 'v', $1;
                $i->{plays} = $again ? $again + 1 : 0;
            }
            $p += 2;
        } elsif ($c eq "\x2c") {
            my $f = ord substr $b, $p + 9, 1;
            $i->{interlaced} = $f & 0x40 ? 1 : 0 if $frames == 0;
            push @{ $i->{delays} }, $delay;
            $delay = 0;
            $frames++;
            $p += 10;
            $p += 3 * (2 << ($f & 7)) if $f & 0x80;
            $p++;
        } else {
            $i->{broken} = "bad block at $p";
            last;
        }
        for (;;) {
            last if $p >= length $b;
            my $n = ord substr $b, $p, 1;
            $p += 1 + $n;
            last if $n == 0;
        }
    }
    $i->{frames} = $frames;
    $i->{broken} ||= 'no end of image' if !$end;
}

sub webp {
    my ($b, $i) = @_;
    my $riff = unpack 'V', substr $b, 4, 4;
    $i->{broken} = 'RIFF size' if $riff + 8 > length $b;
    my $p = 12;
    my $frames = 0;
    while ($p + 8 <= length $b) {
        my ($type, $len) = unpack 'a4V', substr $b, $p, 8;
        my $data = substr $b, $p + 8, $len;
        if ($type eq 'VP8X') {
            my ($fl, $wl, $wh, $hl, $hh) = unpack 'x0 V v C v C', $data;
            $i->{alpha} = $fl & 0x10 ? 1 : 0;
            @$i{qw(width height)} = ($wl + ($wh << 16) + 1, $hl + ($hh << 16) + 1);
        } elsif ($type eq 'VP8 ') {
            my ($w, $h) = unpack 'v2', substr $data, 6, 4;
            @$i{qw(width height)} = ($w & 0x3fff, $h & 0x3fff) if !$i->{width};
            $i->{lossless} = 0;
        } elsif ($type eq 'VP8L') {
            my $bits = unpack 'V', substr $data, 1, 4;
            @$i{qw(width height)} = (($bits & 0x3fff) + 1, (($bits >> 14) & 0x3fff) + 1) if !$i->{width};
            $i->{lossless} = 1;
            $i->{alpha} = 1 if $bits >> 28 & 1;
        } elsif ($type eq 'ANIM') {
            $i->{plays} = unpack 'x4 v', $data;
        } elsif ($type eq 'ANMF') {
            my ($low, $high) = unpack 'x12 v C', $data;
            push @{ $i->{delays} }, $low + ($high << 16);
            $frames++;
        } elsif ($type eq 'ICCP') {
            $i->{icc} = $data;
        } elsif ($type eq 'EXIF') {
            $data =~ s/^Exif\0\0//;
            $i->{exif} = $data;
        } elsif ($type eq 'XMP ') {
            $i->{xmp} = $data;
        }
        $p += 8 + $len + ($len & 1);
    }
    $i->{frames} = $frames if $frames;
}

# As far as a still image by libavif or libheif goes: the first "ispe" is the picture's. Of a sequence its first track.
sub avif {
    my ($b, $i) = @_;
    if ($b =~ /ispe\0{4}(.{8})/s) {
        @$i{qw(width height)} = unpack 'NN', $1;
    }
    $i->{bits} = ord $1 if $b =~ /pixi\0{4}.(.)/s;
    $i->{alpha} = $b =~ /urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0/ ? 1 : 0;
    if ($b =~ /(.{4})colr(?:prof|rICC)/gs) {
        $i->{icc} = substr $b, pos($b), unpack('N', $1) - 12;
    }
    $i->{exif} = $1 if $b =~ /((?:II\*\0|MM\0\*).*)/s;
    $i->{xmp} = $1 if $b =~ /(<x:xmpmeta.*)/s;
    if ($b =~ /^.{4}ftypavis/s && $b =~ /stts\0{4}(.{4})/s) {
        my $runs = unpack 'N', $1;
        my @runs = unpack 'N*', substr $b, $+[0], 8 * $runs;
        my $unit = timed($b, 'mdhd', 0);
        while (my ($count, $ticks) = splice @runs, 0, 2) {
            push @{ $i->{delays} }, (int($ticks * 1000 / $unit + 0.5)) x $count;
        }
        $i->{frames} = @{ $i->{delays} };
        $i->{plays} = 0;
        if ($b =~ /elst(.)..(.).{4}(.{8})/s) {
            my $once = $1 eq "\1" ? unpack 'Q>', $3 : unpack 'N', $3;
            my $all = timed($b, 'tkhd', 1);
            $i->{plays} = ord $2 & 1 ? $all >= 2**32 - 1 ? 0 : int($all / $once + 0.99) : 1;
        }
        $i->{width} ||= unpack 'n', $1 if $b =~ /av01.{24}(..)/s;
    }
    my $p = 0;
    while ($p + 8 <= length $b) {
        my $len = unpack 'N', substr $b, $p, 4;
        $i->{broken} = "box at $p" if $len < 8 || $p + $len > length $b;
        last if $i->{broken};
        $p += $len;
    }
}

# The units of time in a second that a header of a movie's says, or a time, the first of its kind.
sub timed {
    my ($b, $kind, $is_time) = @_;
    $b =~ /\Q$kind\E(.).{3}(.{36})/s or return 1;
    my ($wide, $fields) = ($1 eq "\1", $2);
    return $wide ? unpack 'Q>', substr $fields, 24, 8 : unpack 'N', substr $fields, 16, 4 if $is_time;
    return unpack 'N', substr $fields, $wide ? 16 : 8, 4;
}

# What djxl makes of it. Whether it is whole that says, too.
sub jxl {
    my ($b, $i) = @_;
    my $png = djxl($b, 'apng') || djxl($b, 'png');
    return $i->{broken} = 'djxl fails' if !defined $png;
    my $seen = inspect($png);
    @$i{qw(width height alpha bits icc frames)} = @$seen{qw(width height alpha bits icc frames)};
    @$i{qw(delays plays)} = @$seen{qw(delays plays)} if $i->{frames} > 1;
    ($i->{exif}) = $b =~ /Exif\0{4}((?:II\*\0|MM\0\*).*)/s;
    $i->{xmp} = $1 if $b =~ /(<x:xmpmeta.*)/s;
    delete $i->{exif} if !defined $i->{exif};
    $i->{reversible} = $b =~ /jbrd/ ? 1 : 0;
}

# A JPEG XL as another file, by djxl; undef where that fails.
sub djxl {
    my ($b, $ext) = @_;
    my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $in, '>', "$dir/in.jxl" or die "open: $!";
    binmode $in;
    print $in $b;
    close $in or die "close: $!";
    return if system("djxl $dir/in.jxl $dir/out.$ext --num_threads=0 >$dir/log 2>&1") != 0;
    open my $out, '<', "$dir/out.$ext" or return;
    binmode $out;
    local $/;
    return scalar <$out>;
}

# Decodes the first frame strictly: any complaint of the decoder counts.
sub decode {
    my $b = shift;
    my $format = sniff($b);
    return (undef, 'not an image') if $format eq 'none';
    if ($format eq 'jxl') {
        ($b, $format) = (djxl($b, 'png'), 'png');
        return (undef, 'djxl fails') if !defined $b;
    }
    my $img = Image::Magick->new(magick => $format);
    my $e = $img->BlobToImage($b);
    if ($format eq 'avif' && @$img) {
        # libheif's pictures come as YCbCr, which only encoders know what to do with
        my ($png) = $img->[0]->ImageToBlob(magick => 'png');
        $img = Image::Magick->new(magick => 'png');
        $img->BlobToImage($png);
    }
    return (undef, "decoder: $e") if !ref $e && "$e" =~ /Exception \d/ && "$e" !~ /CorruptImageProfile/;
    return (undef, 'decoder: no image') if !@$img;
    my $first = $img->[0];
    my $n = @$img;
    return ($first, undef, $n);
}

# Onto grey, in sRGB, so that alpha counts as much as colour.
sub plain {
    my $img = shift->Clone;
    $img->Set(type => 'TrueColor') if $img->Get('colorspace') =~ /CMYK/;
    if ($img->Get('matte')) {
        my $bg = Image::Magick->new(size => $img->Get('width') . 'x' . $img->Get('height'));
        $bg->Read('xc:rgb(126,127,129)');   # a grey one would turn all grey
        $bg->Composite(image => $img, compose => 'Over');
        $img = $bg;
    }
    $img->Set(type => 'TrueColor');
    $img->Set(alpha => 'Off');
    return $img;
}

sub psnr {
    my ($got, $want) = @_;
    my $d = plain($got)->Compare(image => plain($want), metric => 'PSNR');
    return "no comparison: $d" if !ref $d;
    my $v = $d->Get('error');
    return $v =~ /inf/i ? 999 : $v;
}

# The pictures of an animation as they are shown, each with the operations of a reference
# applied.
sub movement {
    my ($b, @ops) = @_;
    my @frames;
    $b = djxl($b, 'apng') if sniff($b) eq 'jxl';
    if (sniff($b) eq 'avif') {
        my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        open my $out, '>', "$dir/in.avif" or die "open: $!";
        binmode $out;
        print $out $b;
        close $out or die "close: $!";
        for my $n (0 .. inspect($b)->{frames} - 1) {
            system("avifdec --index $n $dir/in.avif $dir/$n.png >$dir/log 2>&1") == 0 or die "avifdec: no picture $n";
            my $frame = Image::Magick->new;
            my $e = $frame->Read("$dir/$n.png");
            die "$e" if !@$frame;
            push @frames, $frame;
        }
    } elsif (sniff($b) eq 'gif') {
        my $read = Image::Magick->new(magick => 'gif');
        my $e = $read->BlobToImage($b);
        die "decoder: $e" if !@$read;
        @frames = map { my $f = $_->Clone; $f->Set(page => '0x0+0+0'); $f } @{ $read->Coalesce() };
    } else {
        # ImageMagick does not know how frames of WebP and PNG are laid over each other; Pillow does.
        my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        open my $out, '>', "$dir/in" or die "open: $!";
        binmode $out;
        print $out $b;
        close $out or die "close: $!";
        system('/usr/bin/python3', '-c', <<'PY', $dir) == 0 or die 'decoder: no frames';
import sys
from PIL import Image
image = Image.open(sys.argv[1] + '/in')
# An image of an animated PNG that is no frame of it.
for n in range(1 if image.info.get('default_image') else 0, image.n_frames):
    image.seek(n)
    image.save('%s/%04d.png' % (sys.argv[1], n))
PY
        for my $file (sort glob "$dir/*.png") {
            my $frame = Image::Magick->new;
            my $e = $frame->Read($file);
            die "$e" if !@$frame;
            push @frames, $frame;
        }
    }
    return @frames if !@ops;
    return map { (altered($_, @ops))[0] } @frames;
}

# How much fine detail there is: the distance from the same, blurred.
sub detail {
    my $img = plain(shift);
    my $soft = $img->Clone;
    $soft->GaussianBlur(radius => 0, sigma => 1.5);
    my $d = $img->Compare(image => $soft, metric => 'RMSE');
    return $d->Get('error');
}

# A reference picture by ImageMagick: "NAME,op:arg,op:arg", NAME a fixture.
# resize:WxH (exact), crop:WxH+X+Y, rotate:DEG (counter-clockwise, as the directive),
# flip, flop, orient, gray, flatten:COLOUR, srgb (from the embedded profile),
# mark:NAME+X+Y[@PERCENT][/WxH], a fixture laid on there, in that size.
sub reference {
    my ($spec, $w, $h) = @_;
    require ImageGate::Fixtures;
    my ($name, @ops) = split /,/, $spec;
    my ($img, $e) = decode(ImageGate::Fixtures::fixture($name));
    die "$name: $e" if !$img;
    ($img, my $sized) = altered($img, @ops);
    if (!$sized && $w && ($img->Get('width') != $w || $img->Get('height') != $h)) {
        $img->Resize(geometry => "${w}x${h}!", filter => 'Lanczos');
    }
    return $img;
}

# A picture after these operations, and whether they made its size what it is.
sub altered {
    my ($img, @ops) = @_;
    my $sized = 0;

    for (@ops) {
        my ($op, $arg) = split /:/, $_, 2;
        if ($op eq 'resize')     { $img->Resize(geometry => "$arg!", filter => 'Lanczos'); $sized = 1 }
        elsif ($op eq 'crop')    { $img->Crop(geometry => $arg); $img->Set(page => '0x0+0+0'); $sized = 1 }
        elsif ($op eq 'rotate')  { $img->Rotate(360 - $arg); $img->Set(page => '0x0+0+0') }
        elsif ($op eq 'flip')    { $img->Flip() }
        elsif ($op eq 'flop')    { $img->Flop() }
        elsif ($op eq 'orient')  { $img->AutoOrient() }
        elsif ($op eq 'gray')    { $img->Set(type => 'Grayscale') }
        elsif ($op eq 'strip')   { $img->Strip() }
        elsif ($op eq 'mark') {
            my ($mark_name, $x, $y, $percent, $size) = $arg =~ m{^(.+)\+(-?\d+)\+(-?\d+)(?:\@(\d+))?(?:/(\d+x\d+))?$}
                or die "no such mark: $arg";
            my ($mark, $e) = decode(ImageGate::Fixtures::fixture($mark_name));
            die "$mark_name: $e" if !$mark;
            $mark->Set(alpha => 'Set');
            $mark->Resize(geometry => "$size!", filter => 'Lanczos') if defined $size;
            $mark->Evaluate(channel => 'Alpha', operator => 'Multiply', value => $percent / 100) if defined $percent;
            $img->Composite(image => $mark, compose => 'Over', x => $x, y => $y);
        }
        elsif ($op eq 'flatten') {
            my $bg = Image::Magick->new(size => $img->Get('width') . 'x' . $img->Get('height'));
            $bg->Read("xc:$arg");
            $bg->Composite(image => $img, compose => 'Over');
            $img = $bg;
        }
        elsif ($op eq 'srgb') {
            # intent and black point as browsers do without being told otherwise
            $img->Set('rendering-intent' => 'Perceptual', 'black-point-compensation' => 'False');
            $img->Profile(name => 'icc', profile => ImageGate::Fixtures::profile_blob('srgb'),
                          'rendering-intent' => 'Perceptual', 'black-point-compensation' => 'False');
        }
        else { die "no such operation: $op" }
    }

    return ($img, $sized);
}

1;
