-- Takes over what one node counted, and answers what all others did.
--
-- KEYS are counters: hashes with a field for each node, which holds the most
-- that the node ever said. Sending the same again therefore changes nothing.
-- A node that came back without its own count goes on from what is kept here:
-- the difference is noted once for each of its lives, the last four of them, in
-- a field of its own. Two lives overlap while an executable is replaced.
--
-- ARGV: node, life, then for each key: value now, value at the start of the
-- life, time to expire or 0.
local node, life = ARGV[1], ARGV[2]
local mark = '@' .. node
local others = {}
for i, key in ipairs(KEYS) do
    local value = tonumber(ARGV[3 * i])
    local kept = tonumber(redis.call('HGET', key, node) or '0')
    local marked = redis.call('HGET', key, mark) or ''
    local base
    for of, noted in marked:gmatch('(%S+) (%d+)') do
        if of == life then
            base = tonumber(noted)
        end
    end
    if not base then
        base = math.max(0, kept - tonumber(ARGV[3 * i + 1]))
        local before = marked:match('^%S+ %d+ %S+ %d+ %S+ %d+') or marked
        redis.call('HSET', key, mark, string.format('%s %.0f %s', life, base, before))
    end
    redis.call('HSET', key, node, string.format('%.0f', math.max(kept, base + value)))
    if ARGV[3 * i + 2] ~= '0' then
        redis.call('EXPIREAT', key, ARGV[3 * i + 2])
    end
    local all = redis.call('HGETALL', key)
    local sum = 0
    for field = 1, #all, 2 do
        if all[field]:sub(1, 1) ~= '@' then
            sum = sum + tonumber(all[field + 1])
        end
    end
    others[i] = string.format('%.0f', math.max(0, sum - value))
end
return others
