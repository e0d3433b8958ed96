<?php
// LINK_KEY=... php sign.php PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

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
$key = getenv('LINK_KEY');
echo md5_link($key, $path, (int) $expires), "\n";
echo hmac_link($key, $path, (int) $expires), "\n";
