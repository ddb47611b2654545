"""What tiles cannot say: levers of a rank, the task tree, the yearly report; models here, templates in `web`."""
