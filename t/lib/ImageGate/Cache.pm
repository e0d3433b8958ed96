package ImageGate::Cache;

# What the tests of image_resize_cache have in common.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use base 'Exporter';
our @EXPORT = qw(is_answer is_made kept_files needs_cache made origin_of);

# Skips the file where nginx has no caches.
sub needs_cache {
    plan skip_all => 'this nginx is built without caches'
        if `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /--without-http-cache/;
}

# Pictures that were made, by /status.
sub made {
    my $status = JSON::PP::decode_json($_[0]->client->get('/status')->{body});
    return $status->{job_time}{count};
}

# An answer is counted when it is logged, which is after its end has come.
sub is_made {
    my ($s, $count, $name) = @_;
    $s->wait(3, sub { made($s) >= $count });
    is(made($s), $count, $name);
}

# The names of the files that are kept, without that of the generations.
sub kept_files {
    my $s = shift;
    my @files = grep { !/-generations-/ } split /\n/, `find $s->{dir}/cache -type f`;
    return @files;
}

# What a client got, and what X-Cache says of it.
sub is_answer {
    my ($name, $r, $status, $cache) = @_;
    is($r->{status}, $status, "$name - status") or diag($r->{error} || '');
    is($r->{h}{'x-cache'}, $cache, "$name - cache");
}

# Locations with ORIGIN in them, that being what passes to the origin of a server.
sub origin_of {
    my ($s, $locations) = @_;
    my $pass = "proxy_pass http://unix:$s->{dir}/origin.sock:";
    return $locations =~ s/\bORIGIN(\S*?)(?=[;\s])/$pass$1/gr;
}

1;
