<?php
// LINK_KEY=... php sign.php PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

// The bytes of a key that is written as for nginx: hex:..., base64:... or the text itself.
function key_of(string $text): string
{
    $key = $text;
    if (str_starts_with($text, 'hex:')) {
        $key = hex2bin(substr($text, 4));
    } elseif (str_starts_with($text, 'base64:')) {
        $key = base64_decode(strtr(substr($text, 7), '-_', '+/'), true);
    }
    if ($key === false || $key === '') {
        throw new InvalidArgumentException('LINK_KEY is no key');
    }
    return $key;
}

function base64url(string $data): string
{
    return rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
}

function escape_path(string $path): string
{
    return implode('/', array_map('rawurlencode', explode('/', $path)));
}

function md5_link(string $key, string $path, int $expires): string
{
    $token = base64url(md5("$expires$path $key", true));
    return escape_path($path) . "?md5=$token&expires=$expires";
}

function hmac_link(string $key, string $path, int $expires): string
{
    $token = base64url(hash_hmac('sha256', "$path|$expires", $key, true));
    return escape_path($path) . "?token=$token&expires=$expires";
}

[, $path, $expires] = $argv;
$key = key_of((string) getenv('LINK_KEY'));
echo md5_link($key, $path, (int) $expires), "\n";
echo hmac_link($key, $path, (int) $expires), "\n";
