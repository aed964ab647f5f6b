"""What the study asks for: arms, calendar, messages and rules as immutable versions."""
