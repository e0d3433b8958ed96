package ImageGate::H2;

# As much of HTTP/2 as these tests need: prior knowledge over clear text, many GETs at
# once, RST_STREAM. (curl 7.88 loses streams with --http2-prior-knowledge --parallel.)
#
#     my $h2 = ImageGate::H2->new(port => ...);
#     my $id = $h2->send('GET', '/a.png');
#     my $r = $h2->recv($id);          # { status, body, error }

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes ();

my ($DATA, $HEADERS, $RST, $SETTINGS, $PING, $GOAWAY, $WINDOW) = (0, 1, 3, 4, 6, 7, 8);

sub new {
    my ($class, %o) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $o{port}, Proto => 'tcp') or return;
    binmode $sock;
    my $self = bless { sock => $sock, next => 1, buf => '', timeout => 30, streams => {}, %o }, $class;
    $self->put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame($SETTINGS, 0, 0, pack('nN', 4, 0x7fffffff))
        . frame($WINDOW, 0, 0, pack('N', 0x7fff0000 - 65535)));
    return $self;
}

sub frame {
    my ($type, $flags, $id, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $id) . $payload;
}

sub put {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    return syswrite $self->{sock}, $bytes;
}

sub send {
    my ($self, $method, $path) = @_;
    my $id = $self->{next};
    $self->{next} += 2;
    my $block = ($method eq 'GET' ? "\x82" : "\x02" . chr(length $method) . $method)
        . "\x86" . "\x04" . chr(length $path) . $path . "\x01" . chr(9) . 'localhost';
    $self->{streams}{$id} = { status => 0, body => '' };
    $self->put(frame($HEADERS, 0x05, $id, $block));
    return $id;
}

sub reset {
    my ($self, $id) = @_;
    $self->put(frame($RST, 0, $id, pack 'N', 8));
    delete $self->{streams}{$id};
}

sub close { close $_[0]{sock} }

sub recv {
    my ($self, $id) = @_;
    my $s = $self->{streams}{$id} or return { status => 0, body => '', error => 'no such stream' };
    my $end = Time::HiRes::time() + $self->{timeout};
    until ($s->{done}) {
        my $error = $self->step($end);
        if ($error) {
            $s->{error} = $error;
            last;
        }
    }
    return $s;
}

# Reads and handles one frame.
sub step {
    my ($self, $end) = @_;
    while (length $self->{buf} < 9 || length $self->{buf} < 9 + unpack('N', "\0" . substr $self->{buf}, 0, 3)) {
        my $left = $end - Time::HiRes::time();
        return 'timeout' if $left <= 0 || !IO::Select->new($self->{sock})->can_read($left);
        my $n = sysread $self->{sock}, $self->{buf}, 65536, length $self->{buf};
        return 'closed' if !$n;
    }
    my $len = unpack 'N', "\0" . substr $self->{buf}, 0, 3;
    my ($type, $flags, $id) = unpack 'CCN', substr $self->{buf}, 3, 6;
    my $payload = substr $self->{buf}, 9, $len;
    substr $self->{buf}, 0, 9 + $len, '';
    my $s = $self->{streams}{$id};

    if ($type == $SETTINGS) {
        $self->put(frame($SETTINGS, 1, 0, '')) if !($flags & 1);
    } elsif ($type == $PING) {
        $self->put(frame($PING, 1, 0, $payload)) if !($flags & 1);
    } elsif ($type == $GOAWAY) {
        $self->{goaway} = 1;
    } elsif ($type == $HEADERS && $s) {
        $s->{status} = status($payload);
        $s->{done} = 1 if $flags & 1;
    } elsif ($type == $DATA && $s) {
        $s->{body} .= $payload;
        $s->{done} = 1 if $flags & 1;
    } elsif ($type == $RST && $s) {
        $s->{error} = 'reset';
        $s->{done} = 1;
    }
    return;
}

# nginx puts :status first, indexed or as a plain literal.
sub status {
    my $block = shift;
    $block =~ s/^[\x20-\x3e]//;
    $block =~ s/^\x3f[\x80-\xff]*[\x00-\x7f]//;
    my %indexed = (0x88 => 200, 0x89 => 204, 0x8a => 206, 0x8b => 304, 0x8c => 400, 0x8d => 404, 0x8e => 500);
    my $first = ord $block;
    return $indexed{$first} if $indexed{$first};
    return $1 if $block =~ /^[\x08\x18\x48]\x03(\d{3})/;
    return 0;
}

1;
