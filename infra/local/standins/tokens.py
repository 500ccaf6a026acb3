"""Signs tokens as Google and a login would, under a key of its own that /jwks shows."""

import base64
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "http://127.0.0.1:8093"
INVOKER = "invoker@spillway-local.iam.gserviceaccount.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEY_ID = "local"


def machine(audience: str) -> str:
    """As a service account's ID token."""
    return sign(audience, {"sub": "1", "azp": "1", "email": INVOKER, "email_verified": True})


def person() -> str:
    """As a platform's login would say who comes to the dashboard."""
    return sign("dashboard", {"sub": "you", "email": "you@example.com", "account": 1, "role": "editor"})


def sign(audience: str, claims: dict) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + 3600, **claims}
    return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": KEY_ID})


def jwks() -> dict:
    numbers = KEY.public_key().public_numbers()
    return {
        "keys": [
            {
                "kty": "RSA",
                "use": "sig",
                "alg": "RS256",
                "kid": KEY_ID,
                "n": number(numbers.n),
                "e": number(numbers.e),
            }
        ]
    }


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()
