#!/usr/bin/env ruby
# LINK_KEY=... sign.rb PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.

require "digest"
require "erb"
require "openssl"

# The bytes of a key that is written as for nginx: hex:..., base64:... or the text itself.
def key_of(text)
  case text
  when /\Ahex:((?:\h\h)+)\z/ then [$1].pack("H*")
  when %r{\Abase64:([\w+/-]+)=*\z} then $1.tr("-_", "+/").unpack1("m")
  when "", /\A(?:hex|base64):/ then abort "LINK_KEY is no key"
  else text.b
  end
end

def base64url(data)
  [data].pack("m0").tr("+/", "-_").delete("=")
end

def escape(path)
  path.split("/", -1).map { |segment| ERB::Util.url_encode(segment) }.join("/")
end

def md5_link(key, path, expires)
  token = base64url(Digest::MD5.digest("#{expires}#{path} ".b + key))
  "#{escape(path)}?md5=#{token}&expires=#{expires}"
end

def hmac_link(key, path, expires)
  token = base64url(OpenSSL::HMAC.digest("SHA256", key, "#{path}|#{expires}"))
  "#{escape(path)}?token=#{token}&expires=#{expires}"
end

key = key_of(ENV.fetch("LINK_KEY"))
path, expires = ARGV
puts md5_link(key, path, Integer(expires))
puts hmac_link(key, path, Integer(expires))
