if instead or header:sub(78, 93) ~= ARGV[2] then
    return ABSENT
end
redis.call('DEL', key)
return DONE
