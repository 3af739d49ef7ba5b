-- A session is one string: layout (1 byte), revision (16), epoch (8), version (4), fingerprint (16), last seen, idle deadline,
-- absolute deadline and end (8 each), kind (16), length of the head (4); then the head, and the payload.
local key, now = KEYS[1], tonumber(ARGV[1])
local ABSENT, DONE, OTHER, UNREADABLE = 0, 1, 2, 3
local header = redis.call('GETRANGE', key, 0, 96)
local revision, epoch, version, seen, idle, absolute, ends
-- What there is instead of a live session.
local instead = nil
if #header == 0 then
    instead = ABSENT
elseif #header < 97 or header:byte(1) ~= 1 then
    instead = UNREADABLE
else
    revision, epoch = header:sub(2, 17), header:sub(18, 25)
    version = struct.unpack('>I4', header, 26)
    seen, idle, absolute, ends = struct.unpack('>I8I8I8I8', header, 46)
    if math.min(idle, ends) <= now then
        instead = ABSENT
    end
end

local function times(text)
    return struct.unpack('>I8I8I8I8', text, 46)
end

-- A minute longer than it lives, because clocks differ: here it is only freed.
local function kept(idle, ends)
    return math.max(math.min(idle, ends) - now, 0) + 60000
end
