"""The stack this service is an answer to: FastAPI, asyncpg and Redis.

Refresh reads the token's state and the permissions from Redis and signs with HS256. It stores nothing and replaces no refresh
token, so it does less than what it is measured against. PostgreSQL is found by libpq's variables (PGHOST, PGUSER, ...), Redis
by PEER_REDIS.
"""

import json
import os
import time
import uuid

import asyncpg
import jwt
import redis.asyncio as redis
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

SECRET = "a secret of this peer, for HS256."
REFRESH_SECONDS = 86_400
ACCESS_SECONDS = 900
CACHE_SECONDS = 300

LOAD_RIGHTS = """
SELECT r.name AS role, p.resource || ':' || p.action AS permission
FROM   user_roles ur
JOIN   roles r ON r.id = ur.role_id
LEFT   JOIN role_permissions rp ON rp.role_id = r.id
LEFT   JOIN permissions p ON p.id = rp.permission_id
WHERE  ur.user_id = $1
"""

app = FastAPI()


class RefreshRequest(BaseModel):
    refresh_token: str


@app.on_event("startup")
async def connect() -> None:
    app.state.database = await asyncpg.create_pool(min_size=10, max_size=50, command_timeout=30)
    app.state.cache = redis.from_url(os.environ["PEER_REDIS"])


@app.get("/mint/{count}")
async def mint(count: int):
    """Refresh tokens of the accounts 1 to count, for whoever measures."""
    return {"refresh_tokens": [sign(n, "refresh", REFRESH_SECONDS) for n in range(1, count + 1)]}


@app.post("/api/v1/auth/refresh")
async def refresh(request: RefreshRequest):
    try:
        claims = jwt.decode(request.refresh_token, SECRET, ["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401)
    if await app.state.cache.get(f"revoked:{claims['jti']}"):
        raise HTTPException(401)
    user_id = int(claims["sub"])
    rights = await rights_of(user_id)
    return {"access_token": sign(user_id, "access", ACCESS_SECONDS, **rights), "token_type": "bearer"}


@app.get("/api/v1/permissions/{user_id}")
async def permissions(user_id: int):
    return await rights_of(user_id)


async def rights_of(user_id: int) -> dict:
    key = f"permissions:user:{user_id}"
    if cached := await app.state.cache.get(key):
        return json.loads(cached)
    async with app.state.database.acquire() as connection:
        rows = await connection.fetch(LOAD_RIGHTS, user_id)
    rights = {
        "roles": sorted({row["role"] for row in rows}),
        "permissions": sorted({row["permission"] for row in rows if row["permission"]}),
    }
    await app.state.cache.setex(key, CACHE_SECONDS, json.dumps(rights))
    return rights


def sign(user_id: int, kind: str, seconds: int, **claims) -> str:
    claims |= {"sub": str(user_id), "typ": kind, "jti": uuid.uuid4().hex, "exp": int(time.time()) + seconds}
    return jwt.encode(claims, SECRET, "HS256")
