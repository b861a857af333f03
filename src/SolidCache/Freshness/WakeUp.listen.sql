-- For notifications of this schema's nodes. The channel is put in: an identifier can't be a parameter.
LISTEN /* SolidCache/Freshness/WakeUp.listen */ solid_cache_channel;
