"""People who sign in once and then refresh, with a second or two between one refresh and the next.

./dev bench locust runs it; by hand: PASSWORD=... locust -f bench/load/locustfile.py --headless -H http://127.0.0.1:8080 -u 100 -r 10 -t 60s
against a database that `authservice seed` has filled.
"""

import itertools
import os

import gevent
from locust import FastHttpUser, between, task
from locust.exception import StopUser

# How often one who is told to come again does so.
TRIES = 10

PASSWORD = os.environ["PASSWORD"]
FIRST = int(os.environ.get("FIRST", "1"))

_numbers = itertools.count(FIRST)


class Person(FastHttpUser):
    wait_time = between(1, 2)
    wait = 1.0
    network_timeout = 60.0
    connection_timeout = 60.0

    def on_start(self):
        # An account each: sessions of one account would push each other out.
        email = f"u{next(_numbers)}@example.com"
        for _ in range(TRIES):
            self.refresh_token = self.tokens("log-in", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
            if self.refresh_token is not None:
                return
            gevent.sleep(self.wait)
        raise StopUser()

    @task
    def refresh(self):
        successor = self.tokens("refresh", "/api/v1/auth/refresh", {"refresh_token": self.refresh_token})
        # After a failure the old one is sent again, as a client would: it is still good if nothing was changed, and gets the same successor if its answer was lost.
        if successor is not None:
            self.refresh_token = successor

    def tokens(self, name, path, body):
        with self.client.post(path, json=body, name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                # Said apart: hashes are bounded, and who comes while too many wait is told when to come again.
                told = answer.headers.get("Retry-After") if answer.headers else None
                self.wait = float(told) if told else 1.0
                answer.failure(f"{answer.status_code}" + (", told when to come again" if told else ""))
                return None
            token = answer.json().get("refresh_token")
            if not token:
                answer.failure("no refresh token")
            return token or None
