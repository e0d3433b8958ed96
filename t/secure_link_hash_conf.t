# What "nginx -t" says to wrong secure_link_hash directives: it must refuse, and the message must
# name the directive, and no key. Each row becomes a block of its own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;

my $keys = "$ENV{TEST_NGINX_FIXTURES}/conf-test-links";
my %files = (empty => '', newline => "\n", hex => 'hex:HUSH', key => 'HUSH-key', long => 'HUSH' x 20000);
for my $name (keys %files) {
    open my $out, '>', "$keys.$name" or die $!;
    print $out $files{$name};
    close $out;
}
END { unlink map { "$keys.$_" } keys %files if $keys }

# Directive, then what must be in the message besides the name.
my $anywhere = <<'E_';
secure_link_hash;                                   | invalid number of arguments
secure_link_hash $no_such_thing;                    | unknown "no_such_thing" variable
secure_link_hash $arg_a; secure_link_hash $arg_b;   | is duplicate
secure_link_hash_md5;                               | invalid number of arguments
secure_link_hash_md5 $uri; secure_link_hash_md5 $uri; | is duplicate
secure_link_hash_algorithm;                         | invalid number of arguments
secure_link_hash_algorithm sha1;                    | sha1
secure_link_hash_algorithm md5; secure_link_hash_algorithm md5; | is duplicate
secure_link_hash_key;                               | invalid number of arguments
secure_link_hash_key "";                            | the key is empty
secure_link_hash_key id=a;                          | no key
secure_link_hash_key id=a id=b HUSH;                | is duplicate
secure_link_hash_key id= HUSH;                      | an id has 1 to 64 letters
secure_link_hash_key ${HUSH};                       | it holds a variable, which nobody fills in: was it made of a template? One that is meant so goes as "base64:" or into a file in
secure_link_hash_key id=a $HUSH;                    | it holds a variable, which nobody fills in
secure_link_hash_key hex:${HUSH};                   | it holds a variable, which nobody fills in
secure_link_hash_key "a-${HUSH}-b";                 | it holds a variable, which nobody fills in
secure_link_hash_key salt=$HUSH a;                  | it holds a variable, which nobody fills in
secure_link_hash_key id=a.b HUSH;                   | an id has 1 to 64 letters
secure_link_hash_key HUSH-1 HUSH-2;                 | more than one key
secure_link_hash_key hex:;                          | the key is empty
secure_link_hash_key hex:HUSH;                      | the key is not hexadecimal
secure_link_hash_key hex:abc;                       | the key is not hexadecimal
secure_link_hash_key base64:HUSH!;                  | the key is not base64
secure_link_hash_key file=KEYS.none;                | KEYS.none: No such file
secure_link_hash_key file=;                         | not a regular file
secure_link_hash_key file=KEYS.empty;               | KEYS.empty: the key is empty
secure_link_hash_key file=KEYS.newline;             | KEYS.newline: the key is empty
secure_link_hash_key file=KEYS.hex;                 | KEYS.hex: the key is not hexadecimal
secure_link_hash_key file=KEYS.long;                | KEYS.long: larger than 65536 bytes
secure_link_hash_key salt= HUSH;                    | salt: the key is empty
secure_link_hash_key salt=hex:x HUSH;               | salt: the key is not hexadecimal
secure_link_hash_key salt=a salt_file=KEYS.key HUSH; | is duplicate
secure_link_hash_key salt_file=KEYS.none HUSH;      | KEYS.none: No such file
secure_link_hash_key id=a HUSH; secure_link_hash_key id=a HUSH; | two keys of one id
secure_link_hash_message;                           | invalid number of arguments
secure_link_hash_message a; secure_link_hash_message b; | is duplicate
secure_link_hash_encoding;                          | invalid number of arguments
secure_link_hash_encoding base64;                   | "base64"
secure_link_hash_encoding hex 16;                   | invalid value "16", it must be
secure_link_hash_encoding hex min=15;               | "15"
secure_link_hash_encoding hex min=65;               | "65"
secure_link_hash_encoding hex min=x;                | "x"
secure_link_hash_encoding hex; secure_link_hash_encoding hex; | is duplicate
secure_link_hash_leeway;                            | invalid number of arguments
secure_link_hash_leeway soon;                       | soon
secure_link_hash_leeway 1500ms;                     | 1500ms
secure_link_hash_leeway 1s; secure_link_hash_leeway 1s; | is duplicate
secure_link_hash_lifetime;                          | invalid number of arguments
secure_link_hash_lifetime -1;                       | -1
secure_link_hash_lifetime 1500ms;                   | 1500ms
secure_link_hash_lifetime 1s; secure_link_hash_lifetime 1s; | is duplicate
secure_link_hash_not_before;                        | invalid number of arguments
secure_link_hash_not_before 1; secure_link_hash_not_before 1; | is duplicate
secure_link_hash_require;                           | invalid number of arguments
secure_link_hash_require yes;                       | yes
secure_link_hash_require on 404;                    | invalid value "404", it must be
secure_link_hash_require on invalid=200;            | "200"
secure_link_hash_require on invalid=;               | ""
secure_link_hash_require on expired=600;            | "600"
secure_link_hash_require on invalid=404 invalid=404; | is duplicate
secure_link_hash_require on; secure_link_hash_require off; | is duplicate
secure_link_hash_format;                            | invalid number of arguments
secure_link_hash_format cloudinary;                 | cloudinary
secure_link_hash_max_age;                           | invalid number of arguments
secure_link_hash_max_age 1.5;                       | "1.5"
secure_link_hash_max_age 500ms;                     | a time in whole seconds
secure_link_hash_max_age 1h; secure_link_hash_max_age 2h; | is duplicate
secure_link_hash_format thumbor origin=http://h;    | "origin=" is for cloudfront and google
secure_link_hash_format cloudfront http://h;        | invalid value "http://h", it must be
secure_link_hash_format akamai ip=required;         | "ip=" is for bunny
secure_link_hash_format plain sha256=on;            | "sha256=" is for bunny
secure_link_hash_format bunny origin=http://h;      | "origin=" is for cloudfront
secure_link_hash_format bunny ip=on;                | "on"
secure_link_hash_format bunny sha256=yes;           | "yes"
secure_link_hash_format bunny ip=off ip=required;   | is duplicate
secure_link_hash_format bunny ip=required sha256=on; | "sha256=on" has no links that are bound to addresses
secure_link_hash_unsigned_args;                     | invalid number of arguments
secure_link_hash_unsigned_args "";                  | "" is not the name of an argument
secure_link_hash_unsigned_args v *;                 | "*" is not the name of an argument
secure_link_hash_unsigned_args off v;               | "off" is not the name of an argument
secure_link_hash_unsigned_args v=1;                 | "v=1" is not the name of an argument
secure_link_hash_unsigned_args $arg_v;              | "$arg_v" is not the name of an argument
secure_link_hash_unsigned_args v; secure_link_hash_unsigned_args w; | is duplicate
secure_link_hash_format plain; secure_link_hash_format plain; | is duplicate
secure_link_hash_prefix;                            | invalid number of arguments
secure_link_hash_prefix maybe;                      | maybe
secure_link_hash_prefix on; secure_link_hash_prefix off; | is duplicate
secure_link_hash_strip;                             | invalid number of arguments
secure_link_hash_strip "";                          | an argument has a name
secure_link_hash_strip off t;                       | "off" stands alone
secure_link_hash_strip t; secure_link_hash_strip e; | is duplicate
secure_link_hash_md5 a; secure_link_hash_message b; | "secure_link_hash_md5" cannot be mixed with "secure_link_hash_message"
secure_link_hash_md5 a; secure_link_hash_format bunny; | "secure_link_hash_md5" cannot be mixed with "secure_link_hash_format"
secure_link_hash_format bunny; secure_link_hash a;  | "secure_link_hash" cannot be mixed with "secure_link_hash_format"
secure_link_hash_prefix on; secure_link_hash_format bunny; | "secure_link_hash_prefix" cannot be mixed with "secure_link_hash_format"
E_

# In a location only.
my $location = <<'E_';
secure_link_hash_secret;                            | invalid number of arguments
secure_link_hash_secret "";                         | the secret is empty
secure_link_hash_secret HUSH; secure_link_hash_secret HUSH; | is duplicate
secure_link_hash_secret HUSH; secure_link_hash a;   | "secure_link_hash_secret" cannot be mixed with "secure_link_hash"
secure_link_hash a; secure_link_hash_secret HUSH;   | "secure_link_hash_secret" cannot be mixed with "secure_link_hash"
secure_link_hash_secret HUSH; secure_link_hash_md5 a; | "secure_link_hash_secret" cannot be mixed with "secure_link_hash_md5"
secure_link_hash_secret HUSH; secure_link_hash_message a; | "secure_link_hash_secret" cannot be mixed with "secure_link_hash_message"
secure_link_hash_secret HUSH; secure_link_hash_format bunny; | "secure_link_hash_secret" cannot be mixed with "secure_link_hash_format"
secure_link_hash_secret ${HUSH}; | it holds a variable, which nobody fills in: was it made of a template? in
secure_link_hash_format cloudfront; secure_link_hash_key HUSH; | links of cloudfront: the key is not an RSA public key in PEM
secure_link_hash_algorithm hmac-sha1; secure_link_hash_message a; secure_link_hash_encoding hex min=32; | a tag of hmac-sha1 has 20 bytes
E_

my $right = <<'E_';
secure_link_hash $arg_a,$arg_b; secure_link_hash_md5 "$uri s";
secure_link_hash_key a; secure_link_hash_key id=b a; secure_link_hash_key file=KEYS.key; secure_link_hash_key a;
secure_link_hash_key "a$b-${"; secure_link_hash_key "$2y$10$a/b"; secure_link_hash_key $; secure_link_hash_key "${a b}";
secure_link_hash_encoding base64url min=16;
secure_link_hash_encoding hex min=64;
secure_link_hash_leeway 0; secure_link_hash_not_before $arg_n;
secure_link_hash_leeway 5m;
secure_link_hash_lifetime 10m;
secure_link_hash_require on invalid=404 expired=404;
secure_link_hash_require off;
secure_link_hash_format cloudfront origin=https://$host;
secure_link_hash_format bunny; secure_link_hash_message $uri; secure_link_hash_prefix off;
secure_link_hash_format plain; secure_link_hash $arg_a; secure_link_hash_prefix on;
secure_link_hash_strip off;
secure_link_hash_strip token expires;
secure_link_hash_format bunny ip=required sha256=off;
secure_link_hash_format bunny sha256=on;
secure_link_hash_unsigned_args off;
secure_link_hash_unsigned_args *;
secure_link_hash_unsigned_args v utm_source;
E_

# What may be a mistake: nginx starts, and says where. Nothing behind the bar is no word.
my $warned = <<'E_';
secure_link_hash_message "$uri|$secure_link_hash_expires"; image_resize_params $args; | "image_resize_params" reads "$args", which it does not sign
secure_link_hash_md5 "$uri s"; image_resize_params w=$arg_w; | "image_resize_params" reads "$arg_w", which it does not sign
secure_link_hash_message "$uri|$arg_w"; image_resize_params w=$arg_w,h=${arg_h}; | "image_resize_params" reads "$arg_h", which
secure_link_hash_message "$uri|$arg_w"; image_resize_params w=$arg_w; |
secure_link_hash_message "$uri|$args"; image_resize_params w=$arg_w; | "$args" holds the token, as "token" is an argument
secure_link_hash_message "$request_uri"; image_resize_params $args; | "$request_uri" holds the token, as "token" is an argument
secure_link_hash_message "$uri|$secure_link_hash_expires"; image_resize_params $uri; |
secure_link_hash_message "$uri|$secure_link_hash_expires"; image_resize_params w=100; |
secure_link_hash_message "$uri|$secure_link_hash_expires"; |
E_

my @spec;
sub lines { return grep { /\S/ } split /\n/, shift }

sub block {
    my ($name, %sections) = @_;
    my $text = "=== $name\n";
    for my $k (qw(http_config config must_die error_log no_error_log suppress_stderr)) {
        $text .= "--- $k\n$sections{$k}\n" if exists $sections{$k};
    }
    push @spec, "$text\n\n";
}

sub refused {
    my ($line, $where, $config) = @_;
    my ($directive, $words) = $line =~ /^(.*;)\s*\|\s*(.*?)\s*$/ or die $line;
    s/KEYS/$keys/g for $directive, $words;
    my ($named) = $directive =~ /(secure_link_hash\w*)[^;]*;$/;
    # nginx's own message, and those that name two.
    my $names = $words =~ /unknown "/ ? '' : $words =~ /^"secure_link/ ? "\nnginx.conf:" : "\n\"$named\"\nnginx.conf:";
    block("refused in $where: $directive",
        http_config  => $where eq 'http' ? $directive : '',
        config       => $where eq 'http' ? '' : "location /x { $directive }",
        must_die     => '',
        error_log    => "[emerg]\n$words$names",
        no_error_log => 'HUSH',
        suppress_stderr => '');
}

my $i = 0;
refused($_, 'location') for lines($anywhere), lines($location);
# Any other level is read the same way.
refused($_, 'http') for grep { $i++ % 6 == 0 } lines($anywhere);
refused('secure_link_hash_secret x; | not allowed here', 'http');

block('accepted', config => join '', map { s/KEYS/$keys/gr } map { sprintf "location /%d { %s }\n", $i++, $_ } lines($right));
# Without the rewrite module, what answers is a file, which such a server keeps from all.
my $is_answered = `$Test::Nginx::Util::NginxBinary -V 2>&1` !~ /--without-http_rewrite_module/;
for (lines($right)) {
    if (/secure_link_hash_require on/ && !$is_answered) {
        print "# skipped in a server, as this nginx has no rewrite module: $_\n";
        next;
    }
    block("accepted in a server: $_", config => s/KEYS/$keys/gr);
}

for (lines($warned)) {
    my ($directives, $words) = /^(.*;)\s*\|\s*(.*?)\s*$/ or die $_;
    my $value = 'secure_link_hash $arg_token; secure_link_hash_key HUSH; secure_link_hash_require on;';
    $value .= ' image_resize_allow width=*;' if $directives =~ /image_resize_params/;
    block("warned of: $directives",
        config => "location /x { $value $directives location /x/y { } }",
        $words ? (error_log => "[warn]\n$words\nnginx.conf:") : (no_error_log => '[warn]'));
}
block('no word where links are only made',
    config => 'location /x { secure_link_hash_key HUSH; secure_link_hash_message $uri; image_resize_params $args; image_resize_allow width=*; add_header X-Token $secure_link_hash_token; }',
    no_error_log => '[warn]');

plan 'no_plan';
spec_string(join '', @spec);
run_tests();
