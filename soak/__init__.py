"""A long day in a short time: crowds, faults and damaged surroundings, on loopback, and what they leave behind."""
