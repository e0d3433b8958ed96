#!/usr/bin/env perl
# LINK_KEY=... sign.pl PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

use strict;
use warnings;

use Digest::MD5 qw(md5_base64);
use Digest::SHA qw(hmac_sha256_base64);
use MIME::Base64 qw(decode_base64);

# The bytes of a key that is written as for nginx: hex:..., base64:... or the text itself.
sub key_of {
    my ($text) = @_;
    return pack 'H*', $1 if $text =~ /^hex:((?:[0-9A-Fa-f]{2})+)$/;
    return decode_base64($1 =~ tr{-_}{+/}r) if $text =~ m{^base64:([\w+/-]+=*)$};
    die "LINK_KEY is no key\n" if $text eq '' || $text =~ /^(?:hex|base64):/;
    return $text;
}

# Neither function pads.
sub base64url { return $_[0] =~ tr{+/}{-_}r }

sub escape { return $_[0] =~ s{([^A-Za-z0-9._~/-])}{sprintf '%%%02X', ord $1}ger }

sub md5_link {
    my ($key, $path, $expires) = @_;
    my $token = base64url(md5_base64("$expires$path $key"));
    return escape($path) . "?md5=$token&expires=$expires";
}

sub hmac_link {
    my ($key, $path, $expires) = @_;
    my $token = base64url(hmac_sha256_base64("$path|$expires", $key));
    return escape($path) . "?token=$token&expires=$expires";
}

my ($path, $expires) = @ARGV;
my $key = key_of($ENV{LINK_KEY} // '');
print md5_link($key, $path, $expires), "\n";
print hmac_link($key, $path, $expires), "\n";
