if instead then
    return instead
end
local new = ARGV[3]
if epoch ~= ARGV[2] or struct.unpack('>I4', new, 26) < version then
    return OTHER
end
local new_seen, new_idle = times(new)
seen = math.max(seen, new_seen)
idle = math.max(idle, math.min(new_idle, absolute))
local head = struct.unpack('>I4', header, 94)
-- The new one comes without a head.
redis.call(
    'SET',
    key,
    new:sub(1, 17)
        .. epoch
        .. new:sub(26, 45)
        .. struct.pack('>I8I8', seen, idle)
        .. header:sub(62)
        .. redis.call('GETRANGE', key, 97, 96 + head)
        .. new:sub(98),
    'PX',
    kept(idle, ends)
)
return DONE
