# Cookies of CloudFront and Akamai and links of CDN77: made by botocore and by image-gate, judged by nginx and by
# image-gate; in two places at once; mutations; the recipe that turns a link into a cookie. A host that stands in two places
# of a request whose link is signed with it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5);
use Digest::SHA qw(hmac_sha1 hmac_sha256_hex);
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;

use ImageGate::Exports qw(replace_file);
use ImageGate::Server;

my $s = ImageGate::Server->new;
my $program = ($ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$FindBin::Bin/../build") . '/image-gate';
my $pair = "$FindBin::Bin/../core/tests/fixtures/pair";
mkdir "$s->{dir}/$_" for qw(films films/otters films/others);
replace_file("$s->{dir}/films/$_", 'film') for qw(otters/1.ts otters/index.m3u8 others/1.ts);
my $end = time + 3600;

$s->start(qq{
    root $s->{dir};
    location /films/ { secure_link_hash_format akamai; secure_link_hash_key "other-secret"; secure_link_hash_require on; }
    location /cf/ {
        secure_link_hash_format cloudfront origin=https://cdn.example.com;
        secure_link_hash_key id=KPAIR file=$pair.pub;
        secure_link_hash_require on;
        alias $s->{dir}/films/;
    }
    location /google/ {
        secure_link_hash_format google; secure_link_hash_key id=k base64:c2VjcmV0LWtleS0xMjM0NQ==; secure_link_hash_require on;
        alias $s->{dir}/films/;
    }
    location /google-cdn/ {
        secure_link_hash_format google origin=http://b.example; secure_link_hash_key id=k base64:c2VjcmV0LWtleS0xMjM0NQ==;
        secure_link_hash_require on;
        alias $s->{dir}/films/;
    }
    location ~ ^/(?:cdn77/|[^/]+/cdn77/)(?<rest>.*)\$ {
        secure_link_hash_format cdn77; secure_link_hash_key "cdn-secret"; secure_link_hash_require on;
        alias $s->{dir}/films/\$rest;
    }
    location ~ ^/enter/(?<film>\\w+)\$ {
        secure_link_hash         \$arg_token,\$arg_expires;
        secure_link_hash_message \$uri|\$secure_link_hash_expires;
        secure_link_hash_key     "change-this-secret";
        secure_link_hash_require on;
        try_files                /none \@enter;
    }
    location \@enter {
        secure_link_hash_format  akamai;
        secure_link_hash_key     "other-secret";
        secure_link_hash_message exp=\$arg_expires~acl=/films/\$film/*;
        add_header               Set-Cookie "hdnts=\$secure_link_hash_token; Path=/films/\$film/; HttpOnly; SameSite=Lax";
        return                   302 /films/\$film/index.m3u8;
    }
});
my $c = $s->client;
sub status { my ($uri, $cookie) = @_; return $c->request('GET', $uri, defined $cookie ? (Cookie => $cookie) : ())->{status} }
sub run { my $out = qx($_[0]); chomp $out; return $out }

# Each of 200 is changed at one place, spread over all of it; those that say the same are none.
sub refused {
    my ($name, $text, $ask, $same) = @_;
    my @let_in;
    for my $n (0 .. 199) {
        my $at = int($n * length($text) / 200);
        my $was = substr $text, $at, 1;
        my @other = grep { $_ ne $was } split //, 'Ab3_-~=x9/Zq';
        (my $changed = $text) =~ s/^(.{$at})./$1$other[$n % @other]/s;
        next if $same && $same->($changed);
        push @let_in, $changed if $ask->($changed) == 200;
    }
    is_deeply(\@let_in, [], "$name: 200 mutations are refused");
}

# Akamai.
my $fields = "exp=$end~acl=/films/otters/*";
my $token = "$fields~hmac=" . hmac_sha256_hex($fields, 'other-secret');
is(status('/films/otters/1.ts', "a=b; $_=$token; c=d"), 200, "a cookie $_") for qw(hdnts hdnea __token__);
is(status("/films/otters/1.ts?hdnts=$token"), 200, 'the same in a link');
is(status('/films/others/1.ts', "hdnts=$token"), 403, 'in another folder it is refused');
is(status('/films/otters/1.ts', "hdnts=$token; hdnts=$token"), 403, 'twice it is refused');
is(status("/films/otters/1.ts?hdnts=$token", "hdnts=$token"), 403, '... and in both places');
is(status('/films/otters/1.ts'), 403, '... and without');
refused('akamai', $token, sub { status('/films/otters/1.ts', "hdnts=$_[0]") }, sub { lc $_[0] eq lc $token });
my $cookie = run("$program sign --format akamai --key other-secret --expires +1h --prefix /films/otters/ --cookie /films/otters/");
like($cookie, qr/^hdnts=exp=\d+~acl=/, 'image-gate makes a cookie');
is(status('/films/otters/1.ts', $cookie), 200, '... that nginx takes');
like(run("$program verify --format akamai --key other-secret --cookie '$cookie' /films/otters/1.ts"), qr/^ok/, '... and image-gate');

# CloudFront: botocore signs, by openssl.
my $botocore = run(<<"E_");
python3 - '$pair.pem' $end 2>&1 <<'P_'
import datetime, subprocess, sys
from botocore.signers import CloudFrontSigner
pem, end = sys.argv[1], int(sys.argv[2])
def sign(message):
    return subprocess.run(['openssl', 'dgst', '-sha1', '-sign', pem], input=message, stdout=subprocess.PIPE, check=True).stdout
signer = CloudFrontSigner('KPAIR', sign)
policy = signer.build_policy('https://cdn.example.com/cf/otters/*', datetime.datetime.fromtimestamp(end, datetime.timezone.utc))
url = signer.generate_presigned_url('https://cdn.example.com/cf/otters/1.ts', policy=policy)
print(url.partition('?')[2])
P_
E_
like($botocore, qr/^Policy=.*&Signature=.*&Key-Pair-Id=KPAIR$/, 'botocore signs a policy');
(my $cookies = "CloudFront-$botocore") =~ s/&/; CloudFront-/g;
is(status("/cf/otters/1.ts?$botocore"), 200, 'its link is taken');
is(status('/cf/otters/1.ts', $cookies), 200, 'its cookies are');
is(status('/cf/otters/index.m3u8', $cookies), 200, '... for all that they are for');
is(status('/cf/others/1.ts', $cookies), 403, '... and for nothing else');
is(status("/cf/otters/1.ts?$botocore", $cookies), 403, 'in both places they are refused');
is(status('/cf/otters/1.ts?Key-Pair-Id=KPAIR', $cookies), 403, '... also where a part stands in the link');
is(status('/cf/otters/1.ts', "$cookies; CloudFront-Signature=x"), 403, '... and twice');
my ($signature) = $cookies =~ /Signature=([^;]+)/;
my ($policy) = $cookies =~ /Policy=([^;]+)/;
for my $part (['the policy', $policy], ['the signature', $signature]) {
    my ($name, $text) = @$part;
    # In the alphabet of base64 itself it is the same: "~" is a "/" there.
    my $plain = sub { $_[0] =~ tr{-_~}{+=/}r };
    refused("$name of cloudfront", $text, sub { (my $changed = $cookies) =~ s/\Q$text\E/$_[0]/; status('/cf/otters/1.ts', $changed) },
            sub { $plain->($_[0]) eq $plain->($text) });
}
my $own = run("$program sign --format cloudfront --key 'id=KPAIR file=$pair.pem' --expires +1h --prefix /cf/otters/ --cookie https://cdn.example.com/cf/otters/");
my $own_cookies = join '; ', split /\n/, $own;
like($own, qr/^CloudFront-Policy=.*\nCloudFront-Signature=.*\nCloudFront-Key-Pair-Id=KPAIR\nCloudFront-Hash-Algorithm=SHA256$/, 'image-gate makes them, too');
is(status('/cf/otters/1.ts', $own_cookies), 200, '... and nginx takes them');
like(run("$program verify --format cloudfront --key 'id=KPAIR file=$pair.pub' --cookie '$own_cookies' https://cdn.example.com/cf/otters/1.ts"),
    qr/^ok/, '... and image-gate');
like(run("$program sign --format keycdn --key k --expires +1h --cookie /a 2>&1"), qr/only akamai and cloudfront/, 'others have no cookies');

# CDN77.
sub cdn77 {
    my ($path, $end) = @_;
    (my $hash = encode_base64(md5("$end$path" . 'cdn-secret'), '')) =~ tr{+/}{-_};
    return length $end ? "$hash,$end" : $hash;
}
my $file = cdn77('/cdn77/otters/1.ts', $end);
is(status("/cdn77/otters/1.ts?secure=$file"), 200, 'cdn77: a link for a file');
is(status("/cdn77/others/1.ts?secure=$file"), 403, '... and for no other');
is(status('/cdn77/otters/1.ts?secure=' . cdn77('/cdn77/otters/1.ts', time - 10)), 410, '... until its end');
is(status('/cdn77/otters/1.ts?secure=' . cdn77('/cdn77/otters/1.ts', '')), 200, '... or for ever');
my $folder = cdn77('/cdn77/otters', $end);
is(status("/$folder/cdn77/otters/1.ts"), 200, 'a link for a folder');
is(status("/$folder/cdn77/otters/index.m3u8"), 200, '... for all that is in it');
is(status("/$folder/cdn77/others/1.ts"), 403, '... and for no other');
is(status("/$folder/cdn77/otters/1.ts?secure=$file"), 403, 'both at once are refused');
my $plain = sub { $_[0] =~ tr/=//dr };
refused('cdn77', $file, sub { status("/cdn77/otters/1.ts?secure=$_[0]") }, sub { $plain->($_[0]) eq $plain->($file) });
my $link = run("$program sign --format cdn77 --key cdn-secret --expires +1h --prefix /cdn77/otters/ /cdn77/otters/1.ts");
is(status($link), 200, 'image-gate makes links of cdn77');
like(run("$program verify --format cdn77 --key cdn-secret '$link'"), qr/^ok/, '... and takes them');

# The recipe.
my $enter = run("$program sign --key change-this-secret --expires +1h /enter/otters");
my $r = $c->get($enter);
is_deeply([$r->{status}, $r->{h}{location} =~ m{(/films/.*)}], [302, '/films/otters/index.m3u8'], 'a link leads to the film');
my ($given) = ($r->{h}{'set-cookie'} || '') =~ /^([^;]+)/;
is(status('/films/otters/1.ts', $given), 200, '... with a cookie for it');
is(status('/films/others/1.ts', $given), 403, '... and for nothing else');
(my $forged = $enter) =~ s/token=./token=-/;
$r = $c->get($forged);
is_deeply([$r->{status}, $r->{h}{'set-cookie'}], [403, undef], 'a link that is none gives no cookie');

# A link with a host: nginx answers for the one in the request line, and a client may send another as its Host.
{
    my $signed = sub {
        my $url = "$_[0]?Expires=$end&KeyName=k";
        my $query = substr $url, length 'http://b.example';
        return "$query&Signature=" . encode_base64url(hmac_sha1($url, 'secret-key-12345')) . '=';
    };
    my $asked = sub {
        my ($uri, $host) = @_;
        my $c = $s->client;
        $c->send_raw("GET $uri HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
        return $c->recv->{status};
    };
    my ($link, $cdn) = map { $signed->("http://b.example/$_/otters/1.ts") } qw(google google-cdn);
    is($asked->($link, 'b.example'), 200, 'a link of a host');
    is($asked->($link, 'a.example'), 403, '... is none of another');
    is($asked->("http://b.example$link", 'b.example'), 200, '... with the host in the request line, too');
    is($asked->("http://B.Example$link", 'b.example'), 200, '... in capitals');
    is($asked->("http://b.example:80$link", 'b.example'), 200, '... or with its port');
    is($asked->("http://$_$link", 'b.example'), 403, "... and with the host $_ in the request line")
        for qw(a.example b.example.a.example b.exampl a.example:80 b.examples);
    is($asked->("http://b.example$link", $_), 403, "... or $_ as the other one") for qw(a.example b.examples);
    is($asked->("http://a.example$cdn", 'b.example'), 200, 'where the configuration names the host, no other one counts');
}

$s->stop;
done_testing();
