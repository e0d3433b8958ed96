package ImageGate::Upstream;

# An origin that behaves as badly as told: /MODE[,key=value...]/FILE, where FILE is a
# fixture and MODE
#
#     plain      with Content-Length
#     chunked    HTTP/1.1 chunks of chunk=4096 bytes
#     close      no length, ends with the connection
#     slow       with Content-Length, in pieces of piece=1024 bytes, each after ms=20
#     die        promises the whole, sends half, closes
#     diechunk   chunks of half of it, closes without the last one
#     reset      promises the whole, sends half, resets
#     stall      promises the whole, sends half, waits s=3, closes
#     gzip deflate rawdeflate xgzip br identity    Content-Encoding
#     range      honours Range with 206
#     status     answers code=404 with the file as body
#     unchanged  answers 304 with the length that the file has
#
# More keys (a colon stands for a slash): etag=..., lm=1 (Last-Modified), type=image:x, disp=NAME (Content-Disposition),
# refresh=1, ar=1 (Accept-Ranges), cc=..., vary=..., noetag, add=NAME%3aVALUE|NAME%3aVALUE (any headers), sums (digests
# of the body under all their names), void (no body), asked (X-Asked tells the Accept-Encoding that came).

use strict;
use warnings;

use Compress::Zlib ();
use IO::Socket::INET;
use POSIX ();
use Time::HiRes ();

# Headers that tell sums of the body's bytes; one of them comes twice.
our @SUMS = qw(Content-MD5 content-md5 Digest Content-Digest Repr-Digest x-amz-checksum-sha256 X-Amz-Checksum-CRC32
               x-amz-meta-md5chksum x-goog-hash x-ms-blob-content-md5 x-oss-hash-crc64ecma);

sub start {
    my ($class, $dir) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'tcp',
                                       Listen => 64, Reuse => 1) or die "upstream: $!";
    my $parent = $$;
    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        # no END blocks, no test counters of the parent here
        { no warnings "once"; $Test::Nginx::Util::InSubprocess = 1 }
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{PIPE} = 'IGNORE';
        $SIG{TERM} = sub { POSIX::_exit(0) };
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        for (;;) {
            my $s = $listen->accept or do {
                POSIX::_exit(0) if getppid() != $parent;
                next;
            };
            my $k = fork;
            if (defined $k && !$k) {
                close $listen;
                alarm 60;
                eval { serve($s, $dir) };
                POSIX::_exit(0);
            }
            close $s;
        }
    }

    my $port = $listen->sockport;
    close $listen;
    return bless { pid => $pid, port => $port }, $class;
}

sub port { $_[0]{port} }

sub stop {
    my $self = shift;
    return if !$self->{pid};
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = undef;
}

sub out {
    my ($s, $bytes) = @_;
    my $off = 0;
    while ($off < length $bytes) {
        my $n = syswrite $s, $bytes, length($bytes) - $off, $off;
        die 'gone' if !defined $n;
        $off += $n;
    }
}

sub serve {
    my ($s, $dir) = @_;
    binmode $s;
    $s->autoflush(1);
    my $buf = '';
    for (;;) {
        until ($buf =~ /\r\n\r\n/) {
            my $n = sysread $s, $buf, 8192, length $buf;
            return if !$n;
        }
        $buf =~ s/^(.*?)\r\n\r\n//s;
        my $head = $1;
        my ($method, $uri) = $head =~ m{^(\w+) (\S+)} or return;
        my ($mode, $file) = $uri =~ m{^/([^/]+)/([^?]+)};
        my %o;
        if (defined $mode) {
            ($mode, my @kv) = split /,/, $mode;
            for (@kv) {
                my ($k, $v) = split /=/, $_, 2;
                $v = 1 if !defined $v;
                $v =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
                $o{$k} = $v;
            }
        }
        my $path = defined $file ? "$dir/$file" : '';
        $path =~ s/\?.*//;
        if (!defined $mode || !-f $path) {
            out($s, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\ngone");
            next;
        }
        open my $in, '<', $path or return;
        binmode $in;
        my $body = do { local $/; <$in> };
        $body = '' if !defined $body;
        close $in;

        my $h = '';
        my $status = '200 OK';
        my %type = (jpg => 'image/jpeg', png => 'image/png', gif => 'image/gif', webp => 'image/webp');
        my ($ext) = $path =~ /\.(\w+)$/;
        $o{type} =~ tr{:}{/} if $o{type};
        $h .= 'Content-Type: ' . ($o{type} || $type{$ext} || 'application/octet-stream') . "\r\n";
        $h .= qq{ETag: "origin-} . length($body) . qq{"\r\n} if !$o{noetag} && !$o{etag};
        $o{etag} =~ tr{:}{/} if $o{etag};
        $h .= "ETag: $o{etag}\r\n" if $o{etag};
        $h .= "Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT\r\n" if $o{lm};
        $h .= "Accept-Ranges: bytes\r\n" if $o{ar} || $mode eq 'range';
        $h .= "Refresh: 5\r\n" if $o{refresh};
        $h .= qq{Content-Disposition: attachment; filename="$o{disp}"\r\n} if $o{disp};
        $h .= "Cache-Control: $o{cc}\r\n" if $o{cc};
        $h .= "Vary: $o{vary}\r\n" if $o{vary};
        $h .= "$_\r\n" for split /\|/, defined $o{add} ? $o{add} : '';
        $h .= "$_: 0123456789abcdef\r\n" for $o{sums} ? @SUMS : ();
        $h .= 'X-Asked: ' . ($head =~ /\r\nAccept-Encoding: *(.*)/i ? "[$1]" : 'nothing') . "\r\n" if $o{asked};
        $h =~ s/\r(?!\n)//g;
        $body = '' if $o{void};

        if ($mode eq 'gzip' || $mode eq 'xgzip') {
            $body = Compress::Zlib::memGzip($body) if $file ne 'bomb.gz';
            $h .= 'Content-Encoding: ' . ($mode eq 'gzip' ? 'gzip' : 'x-gzip') . "\r\n";
        } elsif ($mode eq 'badgzip') {
            $body = substr Compress::Zlib::memGzip($body), 0, -20;
            $h .= "Content-Encoding: gzip\r\n";
        } elsif ($mode eq 'deflate') {
            $body = Compress::Zlib::compress($body);
            $h .= "Content-Encoding: deflate\r\n";
        } elsif ($mode eq 'rawdeflate') {
            my $d = Compress::Zlib::deflateInit(-WindowBits => -Compress::Zlib::MAX_WBITS());
            $body = $d->deflate($body) . $d->flush;
            $h .= "Content-Encoding: deflate\r\n";
        } elsif ($mode =~ /^(br|zstd|identity)$/) {
            $h .= "Content-Encoding: $mode\r\n";
        }

        if ($mode eq 'status') {
            $status = "$o{code} Told So";
            $h .= "Location: /elsewhere\r\n" if $o{code} =~ /^3/;
        }
        if ($mode eq 'range' && $head =~ /\r\nRange: bytes=(\d+)-(\d*)/i) {
            my ($from, $to) = ($1, length $2 ? $2 : length($body) - 1);
            $h .= sprintf "Content-Range: bytes %d-%d/%d\r\n", $from, $to, length $body;
            $body = substr $body, $from, $to - $from + 1;
            $status = '206 Partial Content';
        }

        my $len = 'Content-Length: ' . length($body) . "\r\n";
        if ($mode eq 'unchanged') {
            $status = '304 Not Modified';
            $body = '';
        }
        my $line = "HTTP/1.1 $status\r\n$h";

        if ($method eq 'HEAD') {
            out($s, "$line$len\r\n");

        } elsif ($mode eq 'chunked') {
            my $n = $o{chunk} || 4096;
            out($s, "${line}Transfer-Encoding: chunked\r\n\r\n");
            for (my $p = 0; $p < length $body; $p += $n) {
                my $part = substr $body, $p, $n;
                out($s, sprintf("%x\r\n", length $part) . "$part\r\n");
            }
            out($s, "0\r\n\r\n");

        } elsif ($mode eq 'close') {
            out($s, "${line}Connection: close\r\n\r\n$body");
            return;

        } elsif ($mode eq 'slow') {
            my ($n, $ms) = ($o{piece} || 1024, $o{ms} || 20);
            out($s, "$line$len\r\n");
            for (my $p = 0; $p < length $body; $p += $n) {
                Time::HiRes::sleep($ms / 1000);
                out($s, substr $body, $p, $n);
            }

        } elsif ($mode eq 'diechunk') {
            my $half = substr $body, 0, int(length($body) / 2);
            out($s, "${line}Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n", length $half) . "$half\r\n");
            Time::HiRes::sleep(0.05);
            return;

        } elsif ($mode =~ /^(die|reset|stall)$/) {
            out($s, "$line$len\r\n" . substr $body, 0, int(length($body) / 2));
            Time::HiRes::sleep($o{s} || 3) if $mode eq 'stall';
            Time::HiRes::sleep(0.05);
            setsockopt $s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $mode eq 'reset';
            close $s;
            return;

        } else {
            out($s, "$line$len\r\n$body");
        }

        return if $head =~ m{^\w+ \S+ HTTP/1\.0} || $head =~ /\r\nConnection: close/i;
    }
}

1;
