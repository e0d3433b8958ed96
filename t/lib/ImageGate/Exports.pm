package ImageGate::Exports;

# What the tests of access_key's outputs share: an nginx with partners, its status as data, and
# the peers that it exports to.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use ImageGate::Server qw(free_port);

use base 'Exporter';
our @EXPORT_OK = qw(server status partner partners get_many get_counted free_port wait_for write_file replace_file run_child);

# The keys are those names in capitals: nothing that may be seen.
our @PARTNERS = qw(acme beta.press gone);

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    close $out or die "$path: $!";
}

# So that nobody reads half of it.
sub replace_file {
    my ($path, $text) = @_;
    write_file("$path.new", $text);
    rename "$path.new", $path or die "$path: $!";
}

# $words{acme} is what stands behind the digest of acme's key in the file.
sub key_file {
    my ($path, %words) = @_;
    write_file($path, join '', map {
        my $words = $words{$_} || '';
        "$_ sha256:" . sha256_hex("SECRET-\U$_") . ($words ? " $words" : '') . "\n"
    } @PARTNERS);
}

# Locations: everything below /o/ wants a key.
sub locations {
    my ($s, $quota) = @_;
    return <<"E_";
        location /o/ { access_key zone=partners from=arg:key; $quota alias $s->{dir}/files/; }
        location = /status  { access_key_status json; }
        location = /metrics { access_key_status prometheus; }
        location = /page    { access_key_status html; }
E_
}

# An nginx that is up. Of %o: http, quota, locations (texts), words (of the key file, by
# partner), state (a path), workers.
sub server {
    my %o = @_;
    my $s = ImageGate::Server->new(workers => $o{workers} || 2);
    chmod 0755, $s->{dir};
    mkdir "$s->{dir}/files";
    write_file("$s->{dir}/files/small.txt", 'x' x 100);
    write_file("$s->{dir}/files/large.txt", 'y' x 50_000);
    key_file("$s->{dir}/keys", gone => 'disabled', %{ $o{words} || {} });
    my $state = $o{state} ? "state=$o{state} save=100ms" : '';
    $s->{main} = $o{main} || '';
    $s->{http} = "access_key_zone partners 256k $state;\n    access_key_file partners $s->{dir}/keys;\n    "
        . ($o{http} || '');
    return $s->start(locations($s, $o{quota} || '') . ($o{locations} || ''));
}

# The answer of /status as data.
sub status {
    my ($s, $args) = @_;
    my $r = $s->client->get('/status' . (defined $args ? "?$args" : ''));
    die "status: $r->{status} $r->{error}" if $r->{status} != 200;
    return JSON::PP::decode_json($r->{body});
}

sub partner {
    my ($s, $id, $args) = @_;
    my ($zone) = @{ status($s, $args)->{zones} };
    my ($partner) = grep { $_->{id} eq $id } @{ $zone->{partners} };
    return $partner;
}

# The statuses of $n requests for a file with a partner's key, and the bytes of the answers.
sub get_counted {
    my ($s, $n, $id, $file) = @_;
    my $c = $s->client;
    my %statuses;
    my $bytes = 0;
    for (1 .. $n) {
        my $r = $c->get('/o/' . ($file || 'small.txt') . "?key=SECRET-\U$id");
        $statuses{ $r->{status} }++;
        $bytes += length($r->{head}) + 2 + length $r->{body};
    }
    $c->close;
    return (\%statuses, $bytes);
}

sub get_many { my ($statuses) = get_counted(@_); return $statuses }

sub wait_for {
    my ($seconds, $code) = @_;
    my $end = time + $seconds;
    my $result;
    until ($result = $code->()) {
        return $result if time > $end;
        sleep 0.05;
    }
    return $result;
}

# A child that runs $code, and ends with us.
sub run_child {
    my $code = shift;
    my $parent = $$;
    my $pid = fork;
    die "fork: $!" if !defined $pid;
    return $pid if $pid;
    $SIG{TERM} = 'DEFAULT';
    eval { $code->(); 1 } or warn $@;
    POSIX::_exit(0);
}

1;
