package ImageGate::Client;

# A small HTTP/1.x client over a raw socket: keep-alive, pipelining, requests sent in
# pieces, answers read late or never. What LWP hides is what these tests look at.
#
#     my $c = ImageGate::Client->new(port => 1984);
#     my $r = $c->get('/a.jpg', 'If-None-Match' => 'W/"1"');
#     $r->{status}, $r->{head} (raw), $r->{h}{etag}, $r->{body}, $r->{error}
#
# {error} is set when the answer never came, broke off or had no proper end.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes ();

sub new {
    my ($class, %o) = @_;
    my $self = bless { host => '127.0.0.1', timeout => 15, buf => '', %o }, $class;
    return $self;
}

sub connect {
    my $self = shift;
    return $self->{sock} if $self->{sock};
    $self->{buf} = '';
    for my $try (1 .. 50) {
        $self->{sock} = $self->{unix}
            ? IO::Socket::UNIX->new(Peer => $self->{unix})
            : IO::Socket::INET->new(PeerAddr => $self->{host}, PeerPort => $self->{port},
                                    Proto => 'tcp', $self->{rcvbuf} ? (Timeout => 5) : ());
        last if $self->{sock};
        Time::HiRes::sleep(0.05);
    }
    if ($self->{sock}) {
        binmode $self->{sock};
        $self->{sock}->autoflush(1);
        setsockopt $self->{sock}, SOL_SOCKET, SO_RCVBUF, pack('l', $self->{rcvbuf}) if $self->{rcvbuf};
    }
    return $self->{sock};
}

sub close {
    my $self = shift;
    close delete $self->{sock} if $self->{sock};
    $self->{buf} = '';
}

# Leaves at once, with a reset rather than a polite end.
sub abort {
    my $self = shift;
    if ($self->{sock}) {
        setsockopt $self->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    }
    $self->close;
}

sub request_text {
    my ($self, $method, $uri, @headers) = @_;
    my $version = $self->{version} || '1.1';
    my $text = "$method $uri HTTP/$version\r\nHost: localhost\r\n";
    while (@headers) {
        my ($k, $v) = splice @headers, 0, 2;
        $text .= "$k: $v\r\n";
    }
    return "$text\r\n";
}

sub send {
    my ($self, $method, $uri, @headers) = @_;
    return $self->send_raw($self->request_text($method, $uri, @headers), $method);
}

sub send_raw {
    my ($self, $text, $method) = @_;
    my $sock = $self->connect or return 0;
    push @{ $self->{pending} }, $method || 'GET';
    local $SIG{PIPE} = 'IGNORE';
    my $off = 0;
    while ($off < length $text) {
        my $n = syswrite $sock, $text, length($text) - $off, $off;
        return 0 if !defined $n;
        $off += $n;
    }
    return 1;
}

sub fill {
    my ($self, $deadline) = @_;
    my $left = $deadline - Time::HiRes::time();
    return (undef, 'timeout') if $left <= 0;
    my $sel = IO::Select->new($self->{sock});
    return (undef, 'timeout') if !$sel->can_read($left);
    my $n = sysread $self->{sock}, $self->{buf}, 65536, length $self->{buf};
    return (undef, "read: $!") if !defined $n;
    return ($n);
}

# True when bytes (or the end) are there within $seconds.
sub readable {
    my ($self, $seconds) = @_;
    return 1 if length $self->{buf};
    return IO::Select->new($self->{sock})->can_read($seconds) ? 1 : 0;
}

sub recv {
    my ($self) = @_;
    my $method = shift @{ $self->{pending} || [] };
    my $r = { status => 0, h => {}, head => '', body => '', method => $method || 'GET' };
    my $fail = sub { $r->{error} = shift; $self->close; return $r };

    return $fail->('not connected') if !$self->{sock};
    my $deadline = Time::HiRes::time() + $self->{timeout};

    until ($self->{buf} =~ /\r\n\r\n/) {
        my ($n, $e) = $self->fill($deadline);
        return $fail->($e) if $e;
        return $fail->('closed before the end of the header') if !$n;
    }

    $self->{buf} =~ s/^(.*?\r\n)\r\n//s;
    $r->{head} = $1;
    ($r->{version}, $r->{status}) = $r->{head} =~ m{^HTTP/(\d\.\d) (\d{3})}
        or return $fail->('no status line');
    while ($r->{head} =~ /^([^:\r\n]+):[ \t]*([^\r\n]*)\r$/mg) {
        my $k = lc $1;
        $r->{h}{$k} = defined $r->{h}{$k} ? "$r->{h}{$k}, $2" : $2;
    }

    my $close = ($r->{h}{connection} || '') =~ /close/i;

    if ($r->{method} eq 'HEAD' || $r->{status} == 304 || $r->{status} == 204 || $r->{status} < 200) {
        # no body

    } elsif (($r->{h}{'transfer-encoding'} || '') =~ /chunked/i) {
        $r->{chunked} = 1;
        for (;;) {
            if ($self->{buf} =~ /^([0-9a-fA-F]+)[^\r\n]*\r\n/) {
                my ($size, $skip) = (hex $1, length $&);
                if (length $self->{buf} >= $skip + $size + 2) {
                    $r->{body} .= substr $self->{buf}, $skip, $size;
                    my $end = substr $self->{buf}, $skip + $size, 2;
                    substr $self->{buf}, 0, $skip + $size + 2, '';
                    return $fail->('bad chunk') if $end ne "\r\n";
                    last if $size == 0;
                    next;
                }
            }
            my ($n, $e) = $self->fill($deadline);
            return $fail->($e) if $e;
            return $fail->('closed within a chunked body') if !$n;
        }

    } elsif (defined $r->{h}{'content-length'}) {
        my $len = $r->{h}{'content-length'};
        while (length $self->{buf} < $len) {
            my ($n, $e) = $self->fill($deadline);
            if ($e || !$n) {
                $r->{body} = $self->{buf};
                return $fail->($e || sprintf 'closed after %d of %d bytes', length $self->{buf}, $len);
            }
        }
        $r->{body} = substr $self->{buf}, 0, $len, '';

    } else {
        # until the connection ends
        $r->{until_close} = 1;
        for (;;) {
            my ($n, $e) = $self->fill($deadline);
            return $fail->($e) if $e;
            last if !$n;
        }
        $r->{body} = $self->{buf};
        $close = 1;
    }

    if ($close) {
        # nothing may follow
        $self->{rest} = $self->{buf};
        $self->close;
    }

    return $r;
}

sub request {
    my ($self, $method, $uri, @headers) = @_;
    for my $try (1, 2) {
        my $reused = defined $self->{sock};
        my $sent = $self->send($method, $uri, @headers);
        my $r = $self->recv;
        # a keep-alive connection that the server had closed meanwhile
        next if $reused && $r->{error} && !$r->{status} && $r->{error} =~ /^closed|read:/ && $try == 1;
        return $r;
    }
}

sub get  { my $self = shift; return $self->request('GET', @_) }
sub head { my $self = shift; return $self->request('HEAD', @_) }

1;
