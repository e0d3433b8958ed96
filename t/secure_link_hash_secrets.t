# Secrets of links are in no log, also not at debug level, where nginx quotes what it evaluates;
# in no answer, and where they come from files, in no "nginx -T".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Fixtures qw(slurp);
use ImageGate::Links;
use ImageGate::Server;

my $s = ImageGate::Server->new;
my $version = `$s->{nginx} -V 2>&1`;
plan skip_all => 'nginx without --with-debug' if $version !~ /--with-debug/;

# Whole words are long, so that nothing is found by chance.
my %secret = (
    md5   => 'HushMd5Word5f3b09c2', secret => 'HushSecretWord77aa10de', text => 'HushTextKey2d94e6b1',
    file  => 'HushFileKey91c2aa07', salt   => 'HushSaltFile6610fe3d',   part => 'HushMessagePart0b1d',
    start => 'HushStart48219aef',
);
my $hex = unpack 'H*', 'HushHexKeyee0417';
my $base64 = 'SHVzaEJhc2U2NEtleTcxMjM5';
for (['key', $secret{file}], ['salt', $secret{salt}]) {
    open my $out, '>', "$s->{dir}/$_->[0]" or die $!;
    print $out "$_->[1]\n";
    close $out;
}
mkdir "$s->{dir}/html";
$s->{main} = "error_log $s->{dir}/logs/debug.log debug;";
$s->{http} = q{log_format all '$request|$secure_link_hash|$secure_link_hash_expires|$secure_link_hash_reason|$secure_link_hash_key_id|$secure_link_hash_token|$status';};
my $shown = '"$secure_link_hash|$secure_link_hash_expires|$secure_link_hash_reason|$secure_link_hash_key_id|$secure_link_hash_token"';
$s->start(qq~
    access_log $s->{dir}/logs/all.log all;
    root $s->{dir}/html;
    add_header X-Shown $shown always;
    secure_link_hash \$arg_t,\$arg_e;
    location /md5/ {
        secure_link_hash_md5 "\$secure_link_hash_expires\$uri $secret{md5}";
        if (\$secure_link_hash = "0") { return 410; }
        secure_link_hash_require on;
        secure_link_hash_strip t e;
    }
    location /secret/ { secure_link_hash_secret $secret{secret}; secure_link_hash_require on; }
    location /mac/ {
        secure_link_hash_message "\$uri|\$secure_link_hash_expires|$secret{part}";
        secure_link_hash_not_before "\${arg_n}$secret{start}";
        secure_link_hash_key id=a file=$s->{dir}/key;
        secure_link_hash_key $secret{text};
        secure_link_hash_key hex:$hex;
        secure_link_hash_key base64:$base64;
        secure_link_hash_require on;
    }
    location /imgproxy/ {
        rewrite ^/imgproxy(/.*)\$ \$1 break;
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt_file=$s->{dir}/salt file=$s->{dir}/key;
        secure_link_hash_message "\$uri";
        secure_link_hash_require on;
    }
    location /log/ { error_log $s->{dir}/logs/other.log debug; secure_link_hash_md5 "\$uri $secret{md5}"; secure_link_hash_require on; }
    location /loud/ { set \$loud "HushNot"; return 200 "\$loud and loud"; }
~);

my $l = LATER;
my $c = $s->client;
my $answers = '';
sub ask {
    my ($want, $uri) = @_;
    my $r = $c->get($uri);
    is($r->{status}, $want, $uri);
    $answers .= "$r->{head}$r->{body}";
}
ask(404, "/md5/x?e=$l&t=" . md5_token("$l/md5/x $secret{md5}"));
ask(403, "/md5/x?e=$l&t=" . md5_token("$l/md5/x"));
ask(410, '/md5/x?e=1&t=' . md5_token("1/md5/x $secret{md5}"));
ask(404, '/secret/' . secret_link('x', $secret{secret}));
ask(403, '/secret/' . secret_link('x', 'guess'));
for my $key (@secret{qw(file text)}, 'HushHexKeyee0417', 'guess') {
    # There is no such start: malformed, once the message is right.
    ask(403, "/mac/x?e=$l&t=" . mac_token("/mac/x|$l|$secret{part}", $key));
}
ask(403, '/mac/x');
ask(403, '/imgproxy/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/x');
ask(404, "/log/x?e=$l&t=" . md5_token("/log/x $secret{md5}"));
ask(200, '/loud/');

my $conf = $s->{nginx} . " -T -e stderr -p $s->{dir}/ -c $s->{dir}/nginx.conf 2>&1";
my $dump = `$conf`;
like($dump, qr/secure_link_hash_key id=a file=/, 'nginx -T shows the configuration');
is(index($dump, $secret{$_}), -1, "nginx -T without the $_") for qw(file salt);

$s->stop;
my $debug = slurp("$s->{dir}/logs/debug.log");
# It is debugging that was logged, of the same requests, and goes on after an expression.
like($debug, qr/\[debug\].* http script copy: " and loud"/, 'the debug log quotes what is evaluated');
like($debug, qr{\[debug\].* http script regex: "\^/imgproxy}, 'also beside links');
like(slurp("$s->{dir}/logs/all.log"), qr/\|malformed\|/, 'the message was right');
my %where = (answers => $answers, map { $_ => slurp("$s->{dir}/logs/$_") } qw(debug.log other.log error.log all.log));
for my $place (sort keys %where) {
    cmp_ok(length $where{$place}, '>', 100, "$place: there is something") if $place ne 'error.log';
    my @found = grep { index($where{$place}, $_) >= 0 } values %secret, $hex, 'HushHexKeyee0417', $base64, 'HushBase64Key71239';
    is("@found", '', "$place: no secret");
}
is_deeply([$s->trouble], [], 'no trouble');
done_testing;
