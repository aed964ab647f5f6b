"""From a patient's words to the right place in the queue: grades, rules, episodes and what people decide."""
