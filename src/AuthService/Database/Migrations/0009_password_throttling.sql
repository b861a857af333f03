-- What remains of failed log-ins when all counters are lost.
ALTER TABLE users
    -- Since when the password does not work any more, because it was guessed at too often; until it is replaced or somebody lifts that.
    ADD COLUMN password_stopped_at timestamptz,
    -- Moves when the password is replaced or the stop is lifted: failures are counted, and devices known, within one series. Not part of
    -- version, since that would end sessions that are being started.
    ADD COLUMN password_series integer NOT NULL DEFAULT 0;
