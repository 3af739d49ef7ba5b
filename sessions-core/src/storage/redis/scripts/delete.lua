if instead == ABSENT then
    return ABSENT
end
redis.call('DEL', key)
return DONE
