"""Hypothesis, everywhere in the tests: no clock decides whether one passes."""

from hypothesis import HealthCheck, settings

settings.register_profile("vmrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vmrace")
