package ImageGate::Links;

# What signs links for the tests, by nothing of the module under test.

use strict;
use warnings;

use Digest::MD5 qw(md5 md5_hex);
use Digest::SHA qw(hmac_sha1 hmac_sha256 hmac_sha512 sha256);
use MIME::Base64 qw(encode_base64);

use base 'Exporter';
our @EXPORT = qw(base64url md5_token mac mac_token secret_link LATER PAST);

# Evaluated sections live in that package.
for my $f (@EXPORT) {
    no strict 'refs';
    *{"Test::Base::Filter::$f"} = sub { goto &{"ImageGate::Links::$f"} };
}

use constant LATER => 4102444800;
use constant PAST  => 1500000000;

sub base64url {
    my $text = encode_base64(shift, '');
    $text =~ tr{+/}{-_};
    $text =~ s/=+$//;
    return $text;
}

# As for secure_link_md5.
sub md5_token { return base64url(md5(shift)) }

# As for secure_link_secret: HASH/LINK.
sub secret_link {
    my ($link, $secret) = @_;
    return md5_hex($link . $secret) . "/$link";
}

my %macs = (
    'hmac-sha256' => \&hmac_sha256,
    'hmac-sha512' => \&hmac_sha512,
    'hmac-sha1'   => \&hmac_sha1,
    sha256        => sub { sha256(join '', @_) },
    md5           => sub { md5(join '', @_) },
);

# The bytes of a tag.
sub mac {
    my ($message, $key, $algorithm) = @_;
    return $macs{ $algorithm || 'hmac-sha256' }->($message, $key);
}

sub mac_token { return base64url(mac(@_)) }

1;
