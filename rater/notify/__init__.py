"""Being told: alerts, closings, rejections, charges and thresholds of one's own, as webhooks, chat and mail."""
