-- Takes over what one node counted, and answers what all others did.
--
-- KEYS are counters: hashes with a field for each node. A life of a node (a zone's
-- memory, from its beginning to its end) says how much it counted itself, always in
-- all; what it said last is noted in a field of its own, for the four lives that spoke
-- last. The node's field grows by the difference: sending the same again changes
-- nothing, a node that comes back without its own count goes on from what is kept
-- here, and lives that count side by side add up. A life without a note is new, or
-- Redis lost what it had: then the node has at least what the life came with.
--
-- ARGV: node, life, then for each key: value now, how much of it this life counted,
-- time to expire or 0.
local node, life = ARGV[1], ARGV[2]
local mark = '@' .. node
local others = {}
for i, key in ipairs(KEYS) do
    local value, own = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
    local kept = tonumber(redis.call('HGET', key, node) or '0')
    local marked = redis.call('HGET', key, mark) or ''
    local told
    local lives = {}
    for of, noted in marked:gmatch('(%S+) (%d+)') do
        if of == life then
            told = tonumber(noted)
        elseif #lives < 3 then
            table.insert(lives, of .. ' ' .. noted)
        end
    end
    if not told then
        kept = math.max(kept, value - own)
    end
    if own > (told or -1) then
        kept = kept + own - (told or 0)
        table.insert(lives, 1, string.format('%s %.0f', life, own))
        redis.call('HSET', key, mark, table.concat(lives, ' '))
        redis.call('HSET', key, node, string.format('%.0f', kept))
    end
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
